"""Where translate.py writes, and what it leaves alone."""

from pathlib import Path

import pytest

from i2i.errors import SettingError
from i2i.inference.files_to_translate import find_images, find_masks
from i2i.inference.outputs import Output, left_to_do, made_for, understand_output


@pytest.fixture
def one(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").touch()
    return tmp_path / "in" / "a.png"


def targets(source: Path, output: Output, samples: int = 1) -> list[str]:
    jobs = find_images(source, output, samples)
    return [t.relative_to(output.folder).as_posix() for job in jobs for t in job.targets]


@pytest.mark.parametrize("name", ["o.png", "o.JPG", "o.jpeg", "o.webp", "o.tif", "a b=c.tiff"])
def test_a_single_image_goes_into_the_file_that_is_named(
    name: str, one: Path, tmp_path: Path
) -> None:
    output = understand_output(one, tmp_path / "new" / name)
    assert output.folder == tmp_path / "new" and not output.note
    assert targets(one, output) == [name]
    stem, suffix = Path(name).stem, Path(name).suffix
    assert targets(one, output, 2) == [f"{stem}_0{suffix}", f"{stem}_1{suffix}"]
    assert output.diversity == tmp_path / "new" / f"{stem}_diversity.json"


@pytest.mark.parametrize("name", ["o", "o.v2", "o.png/", "2024", ".png"])
def test_other_names_are_folders(name: str, one: Path, tmp_path: Path) -> None:
    output = understand_output(one, f"{tmp_path}/{name}", "jpg")
    assert output.folder == tmp_path / name.rstrip("/") and output.stem is None
    assert targets(one, output) == ["a.jpg"] and not output.note


def test_a_folder_that_is_there_stays_a_folder_and_that_is_said(one: Path, tmp_path: Path) -> None:
    (tmp_path / "o.png").mkdir()
    output = understand_output(one, tmp_path / "o.png")
    assert targets(one, output) == ["a.png"] and output.folder == tmp_path / "o.png"
    assert "o.png: a folder of that name is there, and pictures are written into" in output.note


def test_a_folder_of_images_needs_a_folder(one: Path, tmp_path: Path) -> None:
    output = understand_output(one.parent, tmp_path / "o.png")
    assert targets(one.parent, output) == ["a.png"]
    assert "o.png is taken as a folder" in output.note
    (tmp_path / "o.png").touch()
    with pytest.raises(SettingError, match=r"output=.*o\.png: found a file; expected a folder"):
        targets(one.parent, output)


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (("o.png", "jpg"), r"output=.*o\.png: found a file that ends in \.png; expected.* \.jpg"),
        (
            ("o.bmp",),
            r"output=.*o\.bmp: found a file that ends in \.bmp; expected.*\.webp.*o\.bmp/",
        ),
        (("o", "gif"), "output_format=gif: found 'gif'; expected one of png, jpg, webp, tif"),
        (("o", None, 90), "quality=90: found the format png"),
        (("o.tif", None, 90), "quality=90: found the format tif"),
        (("o", None, None, "yes"), "overwrite=yes: found 'yes'; expected one of false, true, skip"),
        (("o", None, None, 1), "overwrite=1: found 1"),
    ],
)
def test_what_does_not_go_together(options: tuple, found: str, one: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=found):
        understand_output(one, f"{tmp_path}/{options[0]}", *options[1:])


def test_what_is_there_is_refused_replaced_or_left(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "deep/c.png"):
        for folder in ("in", "out"):
            file = tmp_path / folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    (tmp_path / "out" / "b.png").unlink()
    for samples, left in ((1, ["b"]), (2, ["a", "b", "deep/c"])):
        output = Output(tmp_path / "out", overwrite="skip")
        jobs = find_images(tmp_path / "in", output, samples)
        assert [job.name for job in left_to_do(jobs, output, samples > 1)] == left
    jobs = find_images(tmp_path / "in", output)
    assert left_to_do(jobs, Output(tmp_path / "out", overwrite=True), False) == jobs
    with pytest.raises(SettingError, match=r"'.*out/a\.png', which is there already \(2 of 3 are"):
        left_to_do(jobs, Output(tmp_path / "out"), False)
    (tmp_path / "out" / "diversity.json").touch()
    jobs = find_images(tmp_path / "in", output, 2)
    with pytest.raises(SettingError, match=r"diversity\.json', which is there already"):
        left_to_do(jobs, Output(tmp_path / "out"), True)


@pytest.mark.parametrize("overwrite", [False, True, "skip"])
def test_a_folder_in_the_place_of_a_picture(overwrite: object, one: Path, tmp_path: Path) -> None:
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    output = Output(tmp_path / "out", overwrite=overwrite)
    with pytest.raises(SettingError, match=r"found a folder called '.*a\.png'"):
        left_to_do(find_images(one, output), output, False)


def test_two_images_of_one_name_are_refused(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg"):
        (tmp_path / name).touch()
    with pytest.raises(SettingError, match=r"a\.jpg and a\.png; .*both would become a\.webp"):
        find_images(tmp_path, Output(tmp_path / "out", suffix=".webp"))


def test_the_input_is_never_the_output(one: Path, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(one)
    for name in ("in/a.png", "link.png"):
        output = understand_output(one, tmp_path / name, overwrite=True)
        with pytest.raises(SettingError, match="which is an input"):
            find_images(one, output)


def test_folders_that_were_made_in_vain_are_taken_away(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    for kept in (False, True):
        with pytest.raises(KeyError), made_for(folder):
            folder.mkdir(parents=True)
            if kept:
                (folder / "picture.png").touch()
            raise KeyError
        assert (tmp_path / "a").exists() == kept
    with pytest.raises(KeyError), made_for(folder):
        (folder / "picture.png").unlink()
        raise KeyError
    assert folder.exists()  # it was there before


def test_names_of_255_bytes_and_without_utf_8(tmp_path: Path) -> None:
    odd = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    try:
        (tmp_path / odd).touch()
        (tmp_path / f"{'x' * 251}.png").touch()
    except (OSError, UnicodeError):
        pytest.skip("a file system without such names")
    output = Output(tmp_path / "out")
    jobs = left_to_do(find_images(tmp_path, output, 2), output, True)
    assert [len(job.targets) for job in jobs] == [2, 2]  # the long ones fail when they are written


def test_missing_masks_cost_their_images_alone(tmp_path: Path) -> None:
    from i2i.data.tasks.inpainting import Inpainting

    task = Inpainting(input_channels=4, target_channels=3)
    (tmp_path / "a.png").touch()
    assert find_masks(str(tmp_path), ["a", "b"], task, "skip") == {"a": tmp_path / "a.png"}
    with pytest.raises(SettingError, match=r"no mask of b \(1 missing\)"):
        find_masks(str(tmp_path), ["a", "b"], task)
    with pytest.raises(SettingError, match=r"no mask of b \(2 missing\)"):
        find_masks(str(tmp_path), ["b", "c"], task, "skip")
