"""The wall of pictures of comparison.html in a headless Chromium."""

import json
from pathlib import Path

import numpy as np
import pytest

from chromium import Page
from compared_runs import images_of, make_run, paint
from i2i.comparison.tables import compare

IMAGES = "[...document.querySelectorAll('.row.body')].map(row => row.dataset.image)"


LEVELS = """(() => {
    const row = document.querySelectorAll('.row.body')[1];
    return [...row.querySelectorAll('img')].map(image => {
        const canvas = document.createElement('canvas');
        const context = canvas.getContext('2d');
        context.drawImage(image, 0, 0);
        return context.getImageData(9, 9, 1, 1).data[0];
    });
})()"""


def at_the_wall(page: Page) -> None:
    page.do("document.getElementById('pictures').scrollIntoView()")
    page.wait("document.querySelectorAll('#grid img').length")


@pytest.mark.numeric
@pytest.mark.parametrize("score", ["ssim", "l1"])
def test_the_wall_is_sorted_by_any_score(opened: Page, compared: Path, score: str) -> None:
    at_the_wall(opened)
    one, two = (images_of(compared / run, score) for run in "14")
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
    seeds = [images_of(compared / run, score) for run in "01"]
    means = {name: np.mean([values[name] for values in seeds]) for name in one}
    opened.choose("#wall-a", "v0")  # both seeds
    assert opened.do(IMAGES) == sorted(one, key=lambda name: sign * (two[name] - means[name]))


def test_the_wall_shows_input_runs_and_truth(opened: Page) -> None:
    """Each flat picture has its level, to the pixel, and the score of its own image below."""
    at_the_wall(opened)
    opened.wait("[...document.querySelectorAll('#grid img')].every(i => i.complete)")
    levels = opened.do(LEVELS)
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


def test_a_seed_that_failed_hides_no_pictures(page: Page, tmp_path: Path) -> None:
    """The verdict is of two of three seeds, and so are the pictures that it leads to."""
    values = {"1": ([5.0, 7.0], [6.0, 8.0], None), "2": ([9.0, 6.0], [9.0, 6.0], [9.0, 6.0])}
    for x, seeds in values.items():
        for seed, own in enumerate(seeds):
            tested = {} if own is None else {"per_image": {"l1": own}}
            run = make_run(tmp_path / f"{x}{seed}", f"x={x}", f"seed={seed}", seed=seed, **tested)
            if own is not None:
                paint(run, 90, 2)
    compare(tmp_path)
    page.open(tmp_path / "comparison.html")
    cells = "[...document.querySelector('.verdicts tr[data-score=l1]').cells].map(c => c.innerText)"
    _, best, second, *_, time = page.do(cells)
    assert time == "-"  # no rate was logged
    assert best.endswith("6.5000 ± 0.7071 (2 of 3 seeds)") and second.endswith("7.5000 ± 0.0000")
    names = "[...document.querySelectorAll('table.runs tbody tr')].map(r => r.cells[3].innerText)"
    assert page.do(names) == ["★ 6.5000 ± 0.7071 (2 of 3 seeds)", "7.5000 ± 0.0000"]
    page.click(".verdicts tr[data-score=l1] button")
    assert page.do(IMAGES) == ["place 1", "place 0"]  # 6 against 7.5, and 9 against 5.5
    chosen = "document.getElementById('wall-b').selectedOptions[0].textContent"
    assert page.do(chosen) == "x 1 (2 of 3 seeds)"


def test_verdicts_of_many_runs_lead_to_their_pictures(page: Page, tmp_path: Path) -> None:
    """Also where those are not among the best in the score that runs are judged by."""
    for place in range(44):
        per_image = {"ssim": [place / 64] * 2, "l1": [max(place, 1.0), place + 1.0]}
        paint(make_run(tmp_path / str(place), f"x={place}", per_image=per_image), 60 + place, 2, 8)
    compare(tmp_path)
    page.open(tmp_path / "comparison.html")
    assert "the best 40 of 44 runs in ssim" in page.do("document.body.innerText")
    page.click(".verdicts tr[data-score=l1] button")
    assert page.do("[wall.a, wall.b, wall.score]") == ["1", "0", "l1"]


def test_the_way_back_stands_beside_what_was_made(page: Page, tmp_path: Path) -> None:
    """One of two runs translates back; each flat picture has its level."""
    for place, back in enumerate((25, None)):
        run = make_run(tmp_path / str(place), f"x={place}", per_image={"l1": [0.5, 0.25, 0.75]})
        paint(run, 90 + 20 * place, 3, back=back)
    compare(tmp_path)
    page.open(tmp_path / "comparison.html")
    at_the_wall(page)
    expected = {"made": [21, 91, 111, 201], "back": [21, 26, 201], "both": [21, 91, 26, 111, 201]}
    for show, levels in expected.items():
        page.choose("#wall-show", show)
        page.wait(
            f"document.querySelectorAll('.row.body:nth-child(3) img').length == {len(levels)}"
        )
        page.wait("[...document.querySelectorAll('#grid img')].every(i => i.complete)")
        assert page.do(LEVELS) == levels, show
    scored = "document.querySelectorAll('.row.body:nth-child(3) small').length"
    assert page.do(scored) == 2  # those that were made
    page.click(".row.body:nth-child(3) > div:nth-child(4) .picture")
    page.wait("document.getElementById('pair').open")
    assert page.do("document.getElementById('pair-left').value") == "back 0"


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
