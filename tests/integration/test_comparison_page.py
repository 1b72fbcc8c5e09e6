"""comparison.html in a headless Chromium: what it shows is what the folders of its runs hold."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from chromium import Page, browser, find_chromium
from compared_runs import log, make_run, paint
from i2i.comparison.tables import compare

pytestmark = [
    pytest.mark.skipif(not find_chromium(), reason="no Chromium"),
    pytest.mark.skipif(os.name == "nt", reason="the driver's pipes are those of POSIX"),
]
EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>${7*7}%{x}&lt;b&gt;"
OTHERS = {"input copied": {"ssim": 0.2, "l1": 90.0}, "ceiling (real photographs)": {"ssim": 0.99}}
N = 12
ROWS = "[...document.querySelectorAll('table.runs tbody tr')]"
TEXTS = f"{ROWS}.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
IMAGES = "[...document.querySelectorAll('.row.body')].map(row => row.dataset.image)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser for all tests; each opens what it needs."""
    with browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generators and two objectives, two seeds each; the last of the eight was interrupted."""
    folder, rng = tmp_path_factory.mktemp("runs") / "sweep", np.random.default_rng(0)
    for place in range(8):
        generator, loss, seed = (
            ("unet", "r9")[place // 4],
            ("gan", "wgan")[place // 2 % 2],
            place % 2,
        )
        level = 0.4 + 0.1 * (place // 2)
        per_image = {"ssim": rng.normal(level, 0.1, N), "l1": 60 - rng.normal(30 * level, 4, N)}
        options = (f"generator={generator}", f"gan_loss={loss}", f"seed={seed}")
        tested = {} if place == 7 else {"per_image": per_image, "others": OTHERS}
        run = make_run(folder / str(place), *options, seed=seed, **tested)
        if tested:
            paint(run, 60 + 10 * place, N)
        rows = [{"step": s, "train/g/gan": 1 / s + place, "train/health/d_right": 0.5,
                 "train/images_per_second": 4.0, "train/images_seen": 2 * s,
                 "val/ssim": level + s / 100} for s in (10, 20, 30)]  # fmt: skip
        log(run, rows)
    alarms = [{"name": "d_has_won", "step": 20, "text": "D has won"}]
    (folder / "7" / "health.json").write_text(json.dumps({"alarms": alarms}))
    (folder / "6" / "per_image.csv").write_text("damaged")
    compare(folder)
    return folder


@pytest.fixture
def opened(page: Page, sweep: Path) -> Page:
    """The page of the sweep, freshly loaded."""
    page.errors.clear()
    page.requests.clear()
    page.open(sweep / "comparison.html")
    return page


def images_of(run: Path, score: str) -> dict[str, float]:
    """A score by name of the image, from the file."""
    with (run / "per_image.csv").open() as file:
        return {row["name"]: float(row[score]) for row in csv.DictReader(file)}


def score_of(run: Path, score: str) -> float:
    return json.loads((run / "test_metrics.json").read_text())["scores"]["model (best.ckpt)"][score]


def test_it_loads_itself_and_nothing_else(opened: Page, sweep: Path) -> None:
    opened.wait("document.querySelector('table.runs')")
    assert opened.errors == []
    assert opened.requests == [(sweep / "comparison.html").as_uri()[:200]]
    assert opened.do("document.title") == "Comparison of sweep"


def test_no_script_but_its_own_runs(opened: Page) -> None:
    """A policy in the head keeps others from running, however they would come in."""
    opened.do("""(() => {
        const own = document.createElement('script');
        own.textContent = 'window.ran = true';
        document.body.append(own);
        const image = document.createElement('div');
        image.innerHTML = '<img src=x onerror="window.ran = true">';
        document.body.append(image);
        return new Promise(kept => image.firstChild.addEventListener('error', () => kept()));
    })()""")
    assert opened.do("window.ran") is None


@pytest.mark.numeric
def test_the_table_has_means_and_spreads_over_seeds(opened: Page, sweep: Path) -> None:
    rows = {row[0]: row for row in opened.do(TEXTS)}
    assert list(rows) == ["unet, gan", "unet, wgan", "r9, gan", "r9, wgan", *OTHERS]
    for place, name in enumerate(list(rows)[:3]):
        values = [score_of(sweep / str(2 * place + seed), "ssim") for seed in (0, 1)]
        mean, spread = map(float, rows[name][4].removeprefix("★ ").split(" ± "))
        assert mean == pytest.approx(np.mean(values), abs=5e-5)
        assert spread == pytest.approx(np.std(values, ddof=1), abs=5e-5)
    alone = score_of(sweep / "6", "ssim")
    assert rows["r9, wgan"][4] == f"★ {alone:.4f}"  # the other seed has none
    assert rows["r9, wgan"][1:4] == ["r9", "wgan", "0, 1"]
    assert rows["input copied"][4] == "0.2000"
    assert rows["unet, gan"][6:9] == ["30", "15.0 s", "4.0"]  # 60 images at 4 a second
    assert "no test_metrics.json: the run failed" in rows["r9, wgan"][-1]
    assert "per_image.csv cannot be read" in rows["r9, wgan"][-1]
    assert "step 20: D has won" in opened.do("document.getElementById('alarms').textContent")


def test_a_click_on_a_heading_sorts(opened: Page) -> None:
    opened.click(".merge")
    values = f"{TEXTS}.map(row => row[5].replace('★ ', ''))"
    opened.click("table.runs th:nth-child(6) button")  # l1: less is better
    found = opened.do(values)
    assert found[-2:] == ["-", "-"]  # the ceiling and the interrupted run have none
    numbers = list(map(float, found[:-2]))
    assert numbers == sorted(numbers) and len(numbers) == 8
    marked = opened.do(f"{ROWS}.filter(row => row.cells[5].className.includes('best')).length")
    assert marked == 1 and opened.do(f"{TEXTS}[0][5]").startswith("★ ")
    opened.click("table.runs th:nth-child(6) button")
    assert list(map(float, opened.do(values)[:-2])) == numbers[::-1]


@pytest.mark.numeric
def test_it_says_which_is_best_and_on_which_pictures_the_second_wins(
    opened: Page, sweep: Path
) -> None:
    """Of L1 the second best, r9 gan, is better on some pictures; both have two seeds' files."""
    cells = "[...document.querySelector('.verdicts tr[data-score=l1]').cells].map(c => c.innerText)"
    _, best, second, lead, spread, words, pictures, _ = opened.do(cells)
    runs = {"unet, gan": "01", "unet, wgan": "23", "r9, gan": "45", "r9, wgan": "6"}
    means = {n: np.mean([score_of(sweep / run, "l1") for run in own]) for n, own in runs.items()}
    first, next_best = sorted(means, key=means.get)[:2]
    assert best.startswith(first) and second.startswith(next_best)
    assert float(lead) == pytest.approx(means[next_best] - means[first], abs=1e-4)
    assert (spread, pictures) == ("-", "-")  # one seed, and no scores of its pictures
    assert words.startswith("unknown")


def test_a_run_is_switched_off_everywhere(opened: Page) -> None:
    opened.do("document.getElementById('curves').scrollIntoView()")
    opened.wait("document.querySelector('[data-name=\"val/ssim\"]').dataset.drawn")
    opened.do("document.getElementById('pictures').scrollIntoView()")
    opened.wait("document.querySelectorAll('#grid img').length")
    opened.do("document.getElementById('options').scrollIntoView()")
    opened.wait("document.getElementById('charts').dataset.drawn === 'ssim 7'")
    heads = "document.querySelectorAll('.row.head > div').length"
    shown = "document.querySelector('[data-name=\"val/ssim\"]').data.filter(t => t.visible).length"
    assert (opened.do(heads), opened.do(shown)) == (1 + 1 + 7 + 1, 8)
    for place in (0, 1):
        opened.click(f"#runs label:nth-child({place + 1}) input")
    assert opened.do(f"{TEXTS}.map(row => row[0])")[0] == "unet, wgan"
    assert (opened.do(heads), opened.do(shown)) == (1 + 1 + 5 + 1, 6)
    opened.wait("document.getElementById('charts').dataset.drawn === 'ssim 5'")
    opened.click("#none")
    assert opened.do(f"{TEXTS}.map(row => row[0])") == list(OTHERS)
    opened.click("#all")
    assert opened.do(heads) == 10 and opened.errors == []


def test_curves_are_those_of_the_logs(opened: Page) -> None:
    sections = "[...document.querySelectorAll('#curves h3')].map(node => node.textContent)"
    assert opened.do(sections) == [
        "Scores on the validation split", "Losses of player g", "Rates", "Health"
    ]  # fmt: skip
    opened.do("document.querySelector('[data-name=\"train/g/gan\"]').scrollIntoView()")
    opened.wait("document.querySelector('[data-name=\"train/g/gan\"]').dataset.drawn")
    trace = "document.querySelector('[data-name=\"train/g/gan\"]').data[3]"
    assert opened.do(f"{trace}.x") == [10, 20, 30]
    assert opened.do(f"{trace}.y") == pytest.approx([3.1, 3.05, 3 + 1 / 30], rel=1e-4)
    assert opened.do(f"{trace}.name") == "unet, wgan, seed 1"


def at_the_wall(page: Page) -> None:
    page.do("document.getElementById('pictures').scrollIntoView()")
    page.wait("document.querySelectorAll('#grid img').length")


@pytest.mark.numeric
@pytest.mark.parametrize("score", ["ssim", "l1"])
def test_the_wall_is_sorted_by_any_score(opened: Page, sweep: Path, score: str) -> None:
    at_the_wall(opened)
    one, two = (images_of(sweep / run, score) for run in "14")
    sign = 1 if score == "ssim" else -1  # of l1 less is better
    worst = sorted(one, key=lambda name: sign * one[name])
    opened.choose("#wall-score", score)
    opened.choose("#wall-order", "worst")
    opened.choose("#wall-of", "1")
    assert opened.do(IMAGES) == worst
    opened.choose("#wall-order", "best")
    assert opened.do(IMAGES) == worst[::-1]
    opened.choose("#wall-order", "difference")
    opened.choose("#wall-a", "1")
    opened.choose("#wall-b", "4")
    assert opened.do(IMAGES) == sorted(one, key=lambda name: -abs(one[name] - two[name]))
    opened.choose("#wall-kind", "a")
    assert opened.do(IMAGES) == sorted(one, key=lambda name: sign * (two[name] - one[name]))
    seeds = [images_of(sweep / run, score) for run in "01"]
    means = {name: np.mean([values[name] for values in seeds]) for name in one}
    opened.choose("#wall-a", "v0")  # both seeds
    assert opened.do(IMAGES) == sorted(one, key=lambda name: sign * (two[name] - means[name]))


def test_the_wall_shows_input_runs_and_truth(opened: Page) -> None:
    """Each flat picture has its level, to the pixel, and the score of its own image below."""
    at_the_wall(opened)
    opened.wait("[...document.querySelectorAll('#grid img')].every(i => i.complete)")
    levels = opened.do("""(() => {
        const row = document.querySelectorAll('.row.body')[1];
        return [...row.querySelectorAll('img')].map(image => {
            const canvas = document.createElement('canvas');
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            return context.getImageData(9, 9, 1, 1).data[0];
        });
    })()""")
    assert levels == [21, *(61 + 10 * place for place in range(7)), 201]


def test_the_glass_magnifies_the_same_place_in_all_columns(opened: Page) -> None:
    at_the_wall(opened)
    opened.wait("[...document.querySelectorAll('#grid img')].every(i => i.complete)")
    opened.point(".row.body:nth-child(3) .picture", x=0.25, y=0.5)
    opened.wait("document.querySelectorAll('.lens').length === 9")
    found = opened.do("""[...document.querySelectorAll('.lens')].map(lens => {
        const box = lens.parentNode.getBoundingClientRect(), own = lens.getBoundingClientRect();
        const [x, y] = lens.style.backgroundPosition.split(' ').map(parseFloat);
        const size = parseFloat(lens.style.backgroundSize);
        const middle = (own.left + own.width / 2 - box.left) / box.width;
        const there = [(own.width / 2 - 1 - x) / size, (own.height / 2 - 1 - y) / size];
        return [lens.closest('.row').dataset.place, middle, ...there, size / box.width];
    })""")
    for place, middle, x, y, zoom in found:  # what lies in the middle is what is pointed at
        assert place == "1" and middle == pytest.approx(0.25, abs=0.02)
        assert (x, y) == (pytest.approx(0.25, abs=0.01), pytest.approx(0.5, abs=0.01))
        assert zoom == pytest.approx(4, abs=0.01)
    opened.point("aside nav")
    opened.wait("document.querySelectorAll('.lens').length === 0")


def test_a_slider_stands_between_any_two(opened: Page) -> None:
    at_the_wall(opened)
    opened.click(".row.body:nth-child(2) > div:nth-child(4) .picture")
    opened.wait("document.getElementById('pair').open")
    choices = "['left', 'right'].map(key => document.getElementById(`pair-${key}`).value)"
    assert opened.do(choices) == ["1", "truth"]
    opened.point(".stage", x=0.25)
    opened.wait("document.querySelector('.stage .left').style.clipPath.startsWith('inset(0px 7')")
    clip = opened.do("document.querySelector('.stage .left').style.clipPath")
    assert float(clip.split()[1].rstrip("%")) == pytest.approx(75, abs=0.5)
    opened.choose("#pair-right", "3")
    opened.click("#pair-next")
    assert opened.do("document.querySelector('dialog strong').textContent") == "place 1"
    assert opened.do(choices) == ["1", "3"]
    opened.click("#pair-close")
    assert not opened.do("document.getElementById('pair').open")


def test_options_stand_against_scores(opened: Page, sweep: Path) -> None:
    opened.do("document.getElementById('options').scrollIntoView()")
    opened.wait("document.getElementById('charts').dataset.drawn")
    opened.choose("#chart-score", "l1")
    opened.wait("document.getElementById('charts').dataset.drawn === 'l1 7'")
    found = opened.do("[document.getElementById('scatter').data[0]].map(t => [t.x, t.y])[0]")
    assert found[0] == ["unet"] * 4 + ["r9"] * 3
    assert found[1] == pytest.approx([score_of(sweep / str(place), "l1") for place in range(7)])
    if opened.do("Boolean(document.getElementById('parallel'))"):  # where there is WebGL
        axes = "document.getElementById('parallel').data[0].dimensions"
        assert opened.do(f"{axes}.map(d => d.label)") == ["generator", "gan_loss", "seed", "l1"]
        assert opened.do(f"{axes}[1].ticktext") == ["gan", "wgan"]


def test_no_text_of_a_run_is_more_than_text(page: Page, tmp_path: Path) -> None:
    for place in range(2):
        scores = {EVIL[:150]: [0.5, 0.25 + place], "ssim": [0.5, 0.75]}
        run = make_run(
            tmp_path / str(place), f"x='{EVIL} {place}'", f"{EVIL[:60]}={place}", label=EVIL,
            data=EVIL, per_image=scores, names=[EVIL, "b"], others={EVIL: {"ssim": 0.5}},
        )  # fmt: skip
        paint(run, 90, 2)
        log(run, [{"step": 1, f"val/{EVIL[:60]}": 0.5, f"train/{EVIL[:40]}/{EVIL[:40]}": 1.0}])
        (run / "health.json").write_text(json.dumps({"alarms": [{"step": 1, "text": EVIL}]}))
    compare(tmp_path)
    page.errors.clear()
    page.open(tmp_path / "comparison.html")
    for section in ("curves", "pictures", "options"):
        page.do(f"document.getElementById('{section}').scrollIntoView()")
    page.wait("document.querySelectorAll('#grid img').length")
    page.wait("document.getElementById('charts').dataset.drawn")
    page.do("document.querySelector('.plot').scrollIntoView()")
    page.wait("document.querySelector('.plot').dataset.drawn")
    assert page.do("window.hacked") is None and page.errors == []
    assert page.do("document.querySelectorAll('[onerror], main script').length") == 0
    assert EVIL[:60] in page.do("document.body.innerText")
    assert page.do(f"{IMAGES}[0]") == EVIL


def test_other_images_have_a_table_of_their_own(page: Page, tmp_path: Path) -> None:
    for place, n in enumerate((3, 3, 4)):
        run = make_run(tmp_path / str(place), f"x={place}", per_image={"ssim": [0.5] * n})
        paint(run, 90, n)
    compare(tmp_path)
    page.open(tmp_path / "comparison.html")
    assert "tested on 2 different sets of images" in page.do("document.body.innerText")
    assert page.do("document.querySelectorAll('table.runs').length") == 2
    assert page.do("[...document.querySelectorAll('table.runs')].map(t => t.rows.length)") == [3, 2]
    at_the_wall(page)
    page.choose("#wall-place", "1")
    assert len(page.do(IMAGES)) == 4


def test_each_route_has_a_wall(page: Page, tmp_path: Path) -> None:
    """Of a system that translates both ways; on which pictures the second wins leads to its own."""
    values = {"AtoB": ([0.5, 0.75, 0.25], [0.75, 0.25, 0.75]), "BtoA": ([0.5] * 3, [0.75] * 3)}
    for place in range(2):
        means = {f"{route}/ssim": np.mean(own[place]) for route, own in values.items()}
        run = make_run(tmp_path / str(place), f"x={place}", per_image={"l1": [0.5] * 3})
        (run / "per_image.csv").unlink()
        for route, own in values.items():
            rows = "".join(f"{route}{i},{i},{own[place][i]}\n" for i in range(3))
            (run / f"per_image_{route}.csv").write_text(f"name,index,ssim\n{rows}")
            paint(run, 90, 3)
            for file in sorted((run / "test_pictures").glob("*.png")):
                (run / "test_pictures" / route).mkdir(exist_ok=True)
                file.rename(run / "test_pictures" / route / file.name)
        content = {"n_images": 3, "scores": {"model (best.ckpt)": means}}
        content["more_is_better"] = dict.fromkeys(means, True)
        (run / "test_metrics.json").write_text(json.dumps(content))
    compare(tmp_path)
    page.open(tmp_path / "comparison.html")
    at_the_wall(page)
    assert page.do(IMAGES) == ["AtoB0", "AtoB1", "AtoB2"]
    page.choose("#wall-place", "1")
    assert page.do(IMAGES) == ["BtoA0", "BtoA1", "BtoA2"]
    row = ".verdicts tr[data-score='AtoB/ssim']"
    told = page.do(f'document.querySelector("{row}").cells[6].innerText')
    assert told.startswith("the second wins on 1 of 3")
    page.click(f"{row} button")
    assert page.do(IMAGES) == ["AtoB1", "AtoB0", "AtoB2"]
    assert page.do("[wall.a, wall.b, wall.score]") == ["0", "1", "ssim"]


def test_runs_that_differ_in_much_are_called_by_their_folders(page: Page, tmp_path: Path) -> None:
    long = [f"model.a_long_option_{i}='{'x' * 20}'" for i in range(4)]
    make_run(tmp_path / "one", *long, per_image={"ssim": [0.5]})
    make_run(tmp_path / "two", "model.lambda_l1=10", per_image={"ssim": [0.25]})
    compare(tmp_path)
    page.open(tmp_path / "comparison.html")
    assert page.do("[...document.querySelectorAll('#runs label')].map(l => l.textContent)") == [
        "one", "model.lambda_l1=10"
    ]  # fmt: skip
    assert "a_long_option_3" in page.do("document.querySelector('#runs label').title")


def test_runs_without_anything_have_a_page(page: Page, tmp_path: Path) -> None:
    for place in range(2):
        make_run(tmp_path / str(place), f"x={place}")
    compare(tmp_path)
    page.errors.clear()
    page.open(tmp_path / "comparison.html")
    text = page.do("document.body.innerText")
    assert "no run was tested" in text and "No run has a metrics.csv" in text
    assert "No run has pictures of its test" in text and "None of these runs has a score" in text
    assert page.errors == []


@pytest.mark.slow
def test_twenty_runs_of_a_hundred_pictures_are_a_page_that_scrolls(
    page: Page, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for place in range(20):
        scores = {"ssim": rng.random(100), "psnr": rng.normal(20, 2, 100)}
        run = make_run(tmp_path / str(place), f"model.lambda_l1={place}", per_image=scores)
        paint(run, 60 + 5 * place, 100, 128, noise=True)
    compare(tmp_path)
    size = (tmp_path / "comparison.html").stat().st_size
    assert 7_000_000 < size < 50_000_000
    page.errors.clear()
    page.open(tmp_path / "comparison.html")
    at_the_wall(page)
    most = page.do("""(async () => {
        const grid = document.getElementById('grid');
        let most = 0;
        while (grid.scrollTop + grid.clientHeight < grid.scrollHeight - 2) {
            grid.scrollTop += 600;
            await new Promise(requestAnimationFrame);
            most = Math.max(most, document.querySelectorAll('#grid img').length);
        }
        return most;
    })()""")
    page.wait("document.querySelector('.row.body:last-child img')?.complete")
    assert 22 * 4 <= most < 22 * 30  # rows far from what is seen hold no pictures
    assert page.errors == []
