"""comparison.html in a headless Chromium: what it shows is what the folders of its runs hold."""

import json
from pathlib import Path

import numpy as np
import pytest

from chromium import Page
from compared_runs import OTHERS, log, make_run, paint, score_of
from i2i.comparison.tables import compare

EVIL = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>${7*7}%{x}&lt;b&gt;"
ROWS = "[...document.querySelectorAll('table.runs tbody tr')]"
TEXTS = f"{ROWS}.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
IMAGES = "[...document.querySelectorAll('.row.body')].map(row => row.dataset.image)"


def test_it_loads_itself_and_nothing_else(opened: Page, compared: Path) -> None:
    opened.wait("document.querySelector('table.runs')")
    assert opened.errors == []
    assert opened.requests == [(compared / "comparison.html").as_uri()[:200]]
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
def test_the_table_has_means_and_spreads_over_seeds(opened: Page, compared: Path) -> None:
    rows = {row[0]: row for row in opened.do(TEXTS)}
    assert list(rows) == ["unet, gan", "unet, wgan", "r9, gan", "r9, wgan", *OTHERS]
    for place, name in enumerate(list(rows)[:3]):
        values = [score_of(compared / str(2 * place + seed), "ssim") for seed in (0, 1)]
        mean, spread = map(float, rows[name][4].removeprefix("★ ").split(" ± "))
        assert mean == pytest.approx(np.mean(values), abs=5e-5)
        assert spread == pytest.approx(np.std(values, ddof=1), abs=5e-5)
    alone = score_of(compared / "6", "ssim")
    assert rows["r9, wgan"][4] == f"★ {alone:.4f} (1 of 2 seeds)"  # the other has none
    assert rows["r9, wgan"][1:4] == ["r9", "wgan", "0, 1"]
    assert rows["input copied"][4] == "0.2000"
    # 60 images at 4 and at 5 a second: 15 and 12 s, whose standard deviation is 3 / sqrt(2).
    assert rows["unet, gan"][6:9] == ["30", "13.5 s ± 2.1 s", "4.5"]
    assert [rows[name][9] for name in ("unet, gan", "r9, gan")] == ["GPU one, GPU two", ""]
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
def test_it_says_which_is_best_and_by_how_much(opened: Page, compared: Path) -> None:
    """The best of L1 has one seed without scores of its images: neither spread nor pictures."""
    cells = "[...document.querySelector('.verdicts tr[data-score=l1]').cells].map(c => c.innerText)"
    _, best, second, lead, spread, words, pictures, time = opened.do(cells)
    runs = {"unet, gan": "01", "unet, wgan": "23", "r9, gan": "45", "r9, wgan": "6"}
    means = {n: np.mean([score_of(compared / run, "l1") for run in own]) for n, own in runs.items()}
    first, next_best = sorted(means, key=means.get)[:2]
    assert best.endswith("(1 of 2 seeds)") and "seeds" not in second
    assert best.startswith(first) and second.startswith(next_best)
    assert float(lead) == pytest.approx(means[next_best] - means[first], abs=1e-4)
    assert (spread, pictures) == ("-", "-")  # one seed, and no scores of its pictures
    assert words.startswith("unknown")
    assert time == "13.5 s ± 2.1 s against 13.5 s ± 2.1 s"


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


# Methods that browsers have had for less than three years.
YOUNG = """
    for (const name of Object.getOwnPropertyNames(Iterator.prototype)) {
        if (name !== "constructor" && name !== "toString") delete Iterator.prototype[name];
    }
    for (const name of ["toSorted", "toReversed", "toSpliced", "with", "findLast", "findLastIndex"])
        delete Array.prototype[name];
    for (const name of ["union", "intersection", "difference", "isSubsetOf"])
        delete Set.prototype[name];
    delete Object.groupBy; delete Map.groupBy; delete Array.fromAsync; delete Promise.withResolvers;
"""


def test_browsers_of_earlier_years_show_all_of_it(page: Page, compared: Path) -> None:
    page.errors.clear()
    page.open(compared / "comparison.html")
    added = page.send("Page.addScriptToEvaluateOnNewDocument", source=YOUNG)
    page.send("Page.reload")
    page.wait("typeof [].keys().forEach === 'undefined' && document.querySelector('table.runs')")
    for section in ("curves", "pictures", "options"):
        page.do(f"document.getElementById('{section}').scrollIntoView()")
    page.wait("document.querySelectorAll('#grid img').length")
    page.wait("document.getElementById('charts').dataset.drawn === 'ssim 7'")
    page.click("#none")
    assert page.do(f"{TEXTS}.map(row => row[0])") == list(OTHERS)
    page.click("#all")
    assert page.do("document.querySelectorAll('.row.head > div').length") == 10
    page.choose("#wall-order", "worst")
    page.do("document.getElementById('pictures').scrollIntoView()")
    page.wait("document.querySelectorAll('#grid img').length")
    page.click(".row.body:nth-child(2) > div:nth-child(4) .picture")
    page.wait("document.getElementById('pair').open")
    assert page.errors == []
    page.send("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


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


def test_options_stand_against_scores(opened: Page, compared: Path) -> None:
    opened.do("document.getElementById('options').scrollIntoView()")
    opened.wait("document.getElementById('charts').dataset.drawn")
    opened.choose("#chart-score", "l1")
    opened.wait("document.getElementById('charts').dataset.drawn === 'l1 7'")
    found = opened.do("[document.getElementById('scatter').data[0]].map(t => [t.x, t.y])[0]")
    assert found[0] == ["unet"] * 4 + ["r9"] * 3
    assert found[1] == pytest.approx([score_of(compared / str(place), "l1") for place in range(7)])
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
    page.do("document.getElementById('pictures').scrollIntoView()")
    page.wait("document.querySelectorAll('#grid img').length")
    page.choose("#wall-place", "1")
    assert len(page.do(IMAGES)) == 4


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


def test_remarks_of_failed_seeds_leave_their_row_low(page: Page, tmp_path: Path) -> None:
    for place, generator in enumerate(("unet", "unet", "r9", "r9")):
        scores = {} if generator == "unet" else {"per_image": {"ssim": [0.5]}}
        options = [f"generator={generator}", "trainer.max_steps=20", f"seed={place % 2}"]
        make_run(tmp_path / f"a study of generators {place}", *options, **scores)
    compare(tmp_path)
    page.open(tmp_path / "comparison.html")
    assert "generators 0: no test_metrics.json" in page.do(f"{ROWS}[0].textContent")
    size = page.do("parseFloat(getComputedStyle(document.body).fontSize)")
    assert page.do(f"{ROWS}[0].offsetHeight") < 12 * size


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
