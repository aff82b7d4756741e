from __future__ import annotations

import os
from pathlib import Path

import pytest

from promptlab.cases.images import MAX_BYTES, ImageFolder
from promptlab.core.digest import digest_bytes
from promptlab.core.errors import PromptlabError

PNG, JPEG = b"\x89PNG\r\n\x1a\n pixels", b"\xff\xd8\xff\xe0 pixels"
GIF, WEBP = b"GIF89a pixels", b"RIFF\n\0\0\0WEBP pixels"


def mistake(folder: ImageFolder, source: str) -> str:
    with pytest.raises(PromptlabError) as caught:
        folder.load(source)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "media_type", "data"),
    [("a.png", "image/png", PNG), ("b/c.JPG", "image/jpeg", JPEG), ("d.jpeg", "image/jpeg", JPEG),
     ("e.gif", "image/gif", GIF), ("e.gif", "image/gif", b"GIF87a"),
     ("f.webp", "image/webp", WEBP)],
)  # fmt: skip
def test_a_file_is_known_by_its_content(
    tmp_path: Path, name: str, media_type: str, data: bytes
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    image = ImageFolder(tmp_path).load(name)
    assert image.media_type == media_type
    assert image.digest == digest_bytes(data)
    assert (image.source, image.path) == (name, str(path))


def test_an_image_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PNG + b"one")
    folder = ImageFolder(tmp_path)
    first = folder.load("a.png")
    (tmp_path / "a.png").write_bytes(PNG + b"two")
    assert folder.load("a.png") is first
    assert ImageFolder(tmp_path).load("a.png").digest != first.digest


def test_a_url_is_not_fetched(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    image = folder.load("https://nowhere.invalid/cat.png?size=2#top")
    assert image.media_type == "image/png"
    assert image.digest != folder.load("https://nowhere.invalid/dog.png").digest


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a/b.PNG", JPEG,
         "the image 'a/b.PNG' is image/jpeg, not image/png as its name says"
         " (rename it: b.jpg)"),
        ("b.jpeg", WEBP,
         "the image 'b.jpeg' is image/webp, not image/jpeg as its name says"
         " (rename it: b.webp)"),
        ("c.png", b"",
         "the file 'c.png' is not an image that models can read"
         " (save it as PNG, JPEG, GIF or WebP)"),
        ("c.png", b"\x89PNG\n\x1a\n pixels", "the file 'c.png' is not an image that models can"),
        ("c.jpg", b"\0\0\0\x18ftypheic", "the file 'c.jpg' is not an image that models can read"),
        ("c.webp", b"RIFF\n\0\0\0WAVE", "the file 'c.webp' is not an image that models can read"),
        ("c.gif", b" GIF89a", "the file 'c.gif' is not an image that models can read"),
    ],
)  # fmt: skip
def test_a_file_that_is_not_what_its_name_says_is_reported(
    tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    assert mistake(ImageFolder(tmp_path), name).startswith(message)


def test_what_cannot_be_sent_is_reported(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    (tmp_path / "dir.png").mkdir()
    with (tmp_path / "big.png").open("wb") as file:
        os.truncate(file.fileno(), MAX_BYTES + 1)
    assert mistake(folder, "absent.png") == (
        "cannot read the image 'absent.png': no such file "
        "(paths start from the folder of the cases)"
    )
    assert mistake(folder, "dir.png").startswith(
        "cannot read the image 'dir.png': this is a folder"
    )
    assert mistake(folder, "big.png") == (
        "cannot read the image 'big.png': the file is larger than 20 MB (save it smaller)"
    )
    assert mistake(folder, "a.tiff") == (
        "'a.tiff' is not named like an image that models can read "
        "(its name must end in .png, .jpg, .jpeg, .gif, .webp)"
    )
    assert mistake(folder, "https://nowhere.invalid/cat").startswith("'/cat' is not named like")


@pytest.mark.parametrize(
    "source",
    ["../../away.png", "{away}", "link.png", "linked/away.png", "a/../../../away.png", "round.png"],
)
def test_no_path_leads_out_of_the_project(tmp_path: Path, source: str) -> None:
    project = tmp_path / "project"
    cases = project / "suites"
    cases.mkdir(parents=True)
    away = tmp_path / "away.png"
    away.write_bytes(PNG)
    (cases / "link.png").symlink_to(away)
    (cases / "linked").symlink_to(tmp_path)
    (cases / "round.png").symlink_to("round.png")
    named = source.replace("{away}", str(away))
    message = f"the image {named!r} is outside the project and the folder of the cases"
    assert mistake(ImageFolder(cases, project), named).startswith(message)


def test_a_path_may_lead_anywhere_in_the_project(tmp_path: Path) -> None:
    cases, elsewhere = tmp_path / "p" / "suites", tmp_path / "elsewhere"
    cases.mkdir(parents=True)
    elsewhere.mkdir()
    for path in (tmp_path / "p" / "a.png", cases / "b.png", elsewhere / "c.png"):
        path.write_bytes(PNG)
    (cases / "link.png").symlink_to(tmp_path / "p" / "a.png")
    folder = ImageFolder(cases, tmp_path / "p")
    names = ("../a.png", "b.png", "link.png", str(tmp_path / "p" / "a.png"))
    assert {folder.load(name).digest for name in names} == {digest_bytes(PNG)}
    assert ImageFolder(elsewhere, tmp_path / "p").load("c.png").digest == digest_bytes(PNG)
