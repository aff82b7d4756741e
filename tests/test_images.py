from __future__ import annotations

import os
from pathlib import Path

import pytest

from promptlab.digest import digest_bytes
from promptlab.errors import PromptlabError
from promptlab.images import MAX_BYTES, ImageFolder


def mistake(folder: ImageFolder, source: str) -> str:
    with pytest.raises(PromptlabError) as caught:
        folder.load(source)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.png", "image/png"), ("b/c.JPG", "image/jpeg"), ("d.jpeg", "image/jpeg"),
     ("e.gif", "image/gif"), ("f.webp", "image/webp")],
)  # fmt: skip
def test_a_file_is_known_by_its_content(tmp_path: Path, name: str, media_type: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"pixels")
    image = ImageFolder(tmp_path).load(name)
    assert image.media_type == media_type
    assert image.digest == digest_bytes(b"pixels")
    assert (image.source, image.path) == (name, str(path))


def test_an_image_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"one")
    folder = ImageFolder(tmp_path)
    first = folder.load("a.png")
    (tmp_path / "a.png").write_bytes(b"two")
    assert folder.load("a.png") is first
    assert ImageFolder(tmp_path).load("a.png").digest != first.digest


def test_a_url_is_not_fetched(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    image = folder.load("https://nowhere.invalid/cat.png?size=2#top")
    assert image.media_type == "image/png"
    assert image.digest != folder.load("https://nowhere.invalid/dog.png").digest


def test_what_cannot_be_sent_is_told(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path)
    (tmp_path / "dir.png").mkdir()
    with (tmp_path / "big.png").open("wb") as file:
        os.truncate(file.fileno(), MAX_BYTES + 1)
    assert mistake(folder, "absent.png") == (
        "cannot read the image 'absent.png': No such file or directory "
        "(paths start from the folder of the cases)"
    )
    assert mistake(folder, "dir.png").startswith("cannot read the image 'dir.png': Is a directory")
    assert mistake(folder, "big.png") == ("the image 'big.png' is 20 MB (at most 20 MB are sent)")
    assert mistake(folder, "a.tiff") == (
        "'a.tiff' is not named like an image that models read "
        "(its name must end on .png, .jpg, .jpeg, .gif, .webp)"
    )
    assert mistake(folder, "https://nowhere.invalid/cat").startswith("'/cat' is not named like")
