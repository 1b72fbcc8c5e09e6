"""The page itself: what stands where, and what happens when something is pressed."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from i2i.demo.canvas import part
from i2i.demo.desk import Desk
from i2i.demo.models import AS_TRAINED, Answer, beside
from i2i.demo.uploads import Taken
from i2i.errors import SettingError
from i2i.printable import printable

MOST_SAMPLES = 8
PNG = {"format": "PNG", "compress_level": 1}  # fast: a drawing is translated many times a minute
STYLE = part("page.css")


def text(words: str, kind: str = "note") -> str:
    """Words as HTML, whatever they hold."""
    return f'<p class="{kind}">{escape(printable(words, lines=True))}</p>' if words else ""


class Page:
    """The page of a desk.

    Everything of a visitor is in the values of the components, which Gradio keeps by session; the
    pictures that a visitor is shown lie in a folder of that session.

    Args:
        desk: Does the work.
        folder: For the pictures.
    """

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.desk, self.folder = desk, folder
        self.names = [*desk.routes]
        self.blocks = gr.Blocks(
            title="i2i", analytics_enabled=False, delete_cache=(600, 3600), fill_width=True
        )
        with self.blocks:
            gr.HTML(self.heading())
            with gr.Row(equal_height=False):
                with gr.Column(scale=1, min_width=380):
                    self.inputs()
                with gr.Column(scale=1 if len(desk.entries) == 1 else 2, min_width=380):
                    self.outputs()
            self.events()

    def heading(self) -> str:
        """What the page is."""
        names = ", ".join(entry.name for entry in self.desk.entries)
        drawing = self.desk.routes[self.names[0]].way.drawing
        how = "Draw, upload a picture" if drawing and not drawing.over else "Upload a picture"
        return (
            f'<header><h1>i2i</h1><span class="runs">{escape(printable(names))}</span>'
            f"<p>{how} or take an example, and see what the model makes of it.</p></header>"
        )

    def inputs(self) -> None:
        """The left side: the sheet, uploads, examples and options."""
        route, desk = self.names[0], self.desk
        self.taken = gr.State(None)
        self.hint = gr.HTML(text(desk.routes[route].way.hint, "hint"), elem_id="hint")
        self.sheet = gr.HTML(
            html_template=part("canvas.html"), css_template=part("canvas.css"),
            js_on_load=part("canvas.js"), apply_default_css=False, elem_id="sheet",
            visible=desk.routes[route].way.drawing is not None,
        )  # fmt: skip
        self.note = gr.HTML(elem_id="note")
        with gr.Row():
            self.upload = gr.UploadButton("Upload", elem_id="upload", size="md", min_width=90)
            self.random = gr.Button(
                "Random example", elem_id="random", size="md", min_width=90,
                visible=bool(desk.routes[route].examples),
            )  # fmt: skip
            self.translate = gr.Button(
                "Translate", variant="primary", elem_id="translate", size="md"
            )
        self.gallery = gr.Gallery(
            self.thumbnails(route), show_label=False, columns=6, height="auto", elem_id="examples",
            allow_preview=False, object_fit="cover", interactive=False, format="png",
            visible=bool(desk.routes[route].examples), buttons=[],
        )  # fmt: skip
        self.options()

    def options(self) -> None:
        """Route, attributes, seed, samples and mode."""
        noise = any(entry.may_have_noise for entry in self.desk.entries)
        with gr.Group():
            with gr.Row():
                self.route = gr.Dropdown(
                    self.names, value=self.names[0], label="Route", elem_id="route",
                    visible=len(self.names) > 1, min_width=110, info="to which side or domain",
                )  # fmt: skip
                self.mode = gr.Dropdown(
                    [AS_TRAINED, "paper", "eval"], value=AS_TRAINED, label="Mode", elem_id="mode",
                    min_width=110, info="paper: with its noise",
                )  # fmt: skip
                self.seed = gr.Number(
                    0, label="Seed", precision=0, elem_id="seed", min_width=90, minimum=0,
                    info="of the noise",
                )  # fmt: skip
                self.samples = gr.Slider(
                    1, MOST_SAMPLES, 1, step=1, label="Samples", elem_id="samples", min_width=150,
                    visible=noise, buttons=[],
                )  # fmt: skip
            self.attributes = gr.CheckboxGroup(
                [*self.desk.attributes], value=self.desk.routes[self.names[0]].attributes,
                label="Attributes", info="what pictures are to have; a route takes its own alone",
                visible=bool(self.desk.attributes), elem_id="attributes",
            )  # fmt: skip
        self.live = gr.Checkbox(
            True, label="Translate while drawing", elem_id="live", container=False,
            visible=any(route.way.drawing for route in self.desk.routes.values()),
        )  # fmt: skip

    def outputs(self) -> None:
        """The right side: for each model input and output, with its samples."""
        self.results: list[Any] = []
        with gr.Row(equal_height=False):
            for k, entry in enumerate(self.desk.entries):
                with gr.Column(min_width=300, elem_id=f"model{k}"):
                    if len(self.desk.entries) > 1:
                        gr.HTML(f'<h2 class="model">{escape(printable(entry.name))}</h2>')
                    self.results += [
                        gr.ImageSlider(
                            label="input | output", show_label=False, format="png",
                            interactive=False, buttons=["fullscreen"], elem_id=f"slider{k}",
                            max_height=480, elem_classes="compared",
                        ),
                        gr.Gallery(
                            show_label=False, columns=4, visible=False, format="png", buttons=[],
                            elem_id=f"samples{k}", height="auto", interactive=False,
                            allow_preview=False,
                        ),
                        gr.HTML(elem_id=f"words{k}"),
                        gr.DownloadButton(
                            "Save as PNG", elem_id=f"save{k}", size="sm", interactive=False
                        ),
                    ]  # fmt: skip

    def events(self) -> None:
        """What calls what. All translations stand in one line: the processor is one, too."""
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        asked = [self.route, self.attributes, self.seed, self.samples, self.mode]
        translating: dict[str, Any] = {
            "fn": self.on_translate, "inputs": [self.taken, self.sheet, *asked],
            "outputs": [*self.results], "concurrency_id": "translate", "concurrency_limit": 1,
        }  # fmt: skip
        brought = [self.taken, self.sheet, self.note]
        self.sheet.input(
            self.on_stroke, [self.live, self.taken, self.sheet, *asked], self.results,
            trigger_mode="always_last", concurrency_id="translate", concurrency_limit=1, **quiet,
        )  # fmt: skip
        chains = [
            self.blocks.load(self.on_begin, self.route, brought, **quiet),
            self.upload.upload(self.on_upload, [self.upload, self.route, self.taken], brought,
                               **quiet),
            self.random.click(self.on_random, self.route, brought, **quiet),
            self.gallery.select(self.on_example, self.route, brought, **quiet),
            self.route.input(
                self.on_route, self.route,
                [*brought, self.gallery, self.random, self.hint, self.attributes], **quiet,
            ),
            self.attributes.select(self.on_attribute, self.attributes, self.attributes, **quiet),
        ]  # fmt: skip
        for chain in chains:
            chain.success(**translating, **quiet)
        self.translate.click(**translating, **quiet)
        for option in (self.mode.input, self.seed.input, self.samples.release):
            option(**translating, **quiet, trigger_mode="always_last")
        for k in range(len(self.desk.entries)):
            slider, gallery, _, save = self.results[4 * k : 4 * k + 4]
            gallery.select(self.on_sample(k), None, [slider, save], **quiet)
        self.blocks.unload(self.on_leave)

    def thumbnails(self, route: str) -> list[Any]:
        """The examples of a route, small."""
        return [picture for _, picture in self.desk.routes[route].thumbnails]

    def brought(self, found: tuple[Taken | None, str], route: str) -> tuple[Any, Any, Any]:
        """A picture on the sheet, and the words about it."""
        taken, words = found
        return taken, self.desk.sheet(route, taken), text(words)

    def on_begin(self, route: str) -> Any:
        """The first example, or an empty sheet."""
        places = self.desk.routes[route].thumbnails
        found = self.desk.example(route, places[0][0]) if places else (None, "")
        return self.brought(found, route)

    def on_upload(self, file: str | None, route: str, before: Taken | None) -> Any:
        """What was uploaded; what cannot be used leaves everything as it is, and is told."""
        taken, words = self.desk.take(file, route)
        if taken is None:
            return before, gr.skip(), text(words, "wrong")
        return self.brought((taken, words), route)

    def on_random(self, route: str) -> Any:
        """An example by chance."""
        return self.brought(self.desk.example(route), route)

    def on_example(self, route: str, event: gr.SelectData) -> Any:
        """The example that was pressed."""
        place, _ = self.desk.routes[route].thumbnails[event.index]
        return self.brought(self.desk.example(route, place), route)

    def on_route(self, route: str) -> Any:
        """Another route, whose inputs may be of another kind."""
        found = self.desk.routes[route]
        taken, sheet, note = self.on_begin(route)
        return (
            taken, gr.HTML(value=sheet, visible=found.way.drawing is not None), note,
            gr.Gallery(self.thumbnails(route), visible=bool(found.examples)),
            gr.Button(visible=bool(found.examples)), text(found.way.hint, "hint"),
            [*found.attributes],
        )  # fmt: skip

    def on_attribute(self, chosen: list[str], event: gr.SelectData) -> list[str]:
        """An attribute that was chosen, or is no longer."""
        return self.desk.with_attribute(chosen, event.value) if event.selected else chosen

    def on_stroke(
        self, live: bool, taken: Taken | None, value: Any, route: str, chosen: list[str], seed: Any,
        samples: Any, mode: str, request: gr.Request,
    ) -> Any:  # fmt: skip
        """A stroke, which is translated at once if that is asked for."""
        if not live:
            return gr.skip()
        return self.on_translate(taken, value, route, chosen, seed, samples, mode, request)

    def on_translate(
        self, taken: Taken | None, value: Any, route: str, chosen: list[str], seed: Any,
        samples: Any, mode: str, request: gr.Request,
    ) -> Any:  # fmt: skip
        """What the models make of what is there."""
        try:
            found = self.desk.input_of(taken, value, route)
        except SettingError as error:
            answers = [Answer((), str(error))] * len(self.desk.entries)
            return self.shown(answers, None, request.session_hash)
        if found is None:
            return gr.skip()
        asked = self.desk.asked(route, chosen, int(seed or 0), int(samples or 1), mode)
        return self.shown(self.desk.answers(found, asked), found, request.session_hash)

    def shown(
        self, answers: Sequence[Answer], taken: Taken | None, session: str | None
    ) -> list[Any]:
        """The values of the right side."""
        folder, found = self.folder_of(session), []
        shutil.rmtree(folder, ignore_errors=True)  # Gradio has copies of what is still seen
        for k, (entry, answer) in enumerate(zip(self.desk.entries, answers, strict=True)):
            if taken is None or answer.given is None:
                found += [gr.skip(), gr.skip(), text(answer.words, "wrong"), gr.skip()]
                continue
            own = folder / str(k)
            own.mkdir(parents=True)
            stem = f"{taken.name}_{entry.name}".replace("/", "_").replace("\\", "_")[:100]
            files = [own / f"{stem}_{n}.png" for n in range(len(answer.pictures))]
            for picture, file in zip(answer.pictures, files, strict=True):
                picture.save(file, **PNG)
            beside(answer.given, answer.pictures[0]).save(own / "input.png", **PNG)
            several = len(files) > 1
            found += [
                (str(own / "input.png"), str(files[0])),
                gr.Gallery([*map(str, files)] if several else None, visible=several),
                text(answer.words, "told"),
                gr.DownloadButton(value=str(files[0]), interactive=True),
            ]
        return found

    def on_sample(self, k: int) -> Callable[..., Any]:
        """What puts the sample of a model that was pressed into the place of the first."""

        def chosen(event: gr.SelectData, request: gr.Request) -> Any:
            own = self.folder_of(request.session_hash) / str(k)
            found = [str(file) for file in own.glob(f"*_{event.index}.png")]
            if not found:  # another picture is being translated
                return gr.skip(), gr.skip()
            return (str(own / "input.png"), found[0]), gr.DownloadButton(value=found[0])

        return chosen

    def folder_of(self, session: str | None) -> Path:
        """Where the pictures of a visitor lie."""
        return self.folder / hashlib.sha256(str(session).encode()).hexdigest()[:24]

    def on_leave(self, request: gr.Request) -> None:
        """Forgets the pictures of a visitor who has gone."""
        shutil.rmtree(self.folder_of(request.session_hash), ignore_errors=True)
