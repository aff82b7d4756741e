from __future__ import annotations

import base64
from pathlib import Path

import pytest

from promptlab.cases.images import ImageFolder
from promptlab.core.digest import digest_bytes
from promptlab.core.errors import PromptlabError
from promptlab.core.types import Image
from promptlab.remote.pictures import data_url, in_base64, is_url

DATA = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def folder(tmp_path: Path) -> ImageFolder:
    (tmp_path / "photo.png").write_bytes(DATA)
    return ImageFolder(tmp_path)


def test_a_file_is_sent_in_base64(folder: ImageFolder) -> None:
    image = folder.load("photo.png")
    assert not is_url(image)
    assert base64.b64decode(in_base64(image)) == DATA
    assert data_url(image) == f"data:image/png;base64,{base64.b64encode(DATA).decode()}"


def test_an_address_is_sent_as_it_is(folder: ImageFolder) -> None:
    image = folder.load("https://example.org/a/photo.JPG?size=2")
    assert is_url(image)
    assert data_url(image) == "https://example.org/a/photo.JPG?size=2"


def test_a_file_is_read_once_for_many_calls(folder: ImageFolder, tmp_path: Path) -> None:
    image = folder.load("photo.png")
    first = in_base64(image)
    (tmp_path / "photo.png").unlink()
    assert in_base64(image) is first


def test_a_file_that_was_changed_is_not_sent(folder: ImageFolder, tmp_path: Path) -> None:
    image = folder.load("photo.png")
    (tmp_path / "photo.png").write_bytes(b"another")
    with pytest.raises(PromptlabError, match=r"the image 'photo\.png' was changed during"):
        in_base64(image)


def test_a_file_that_is_gone_is_reported(folder: ImageFolder, tmp_path: Path) -> None:
    image = folder.load("photo.png")
    (tmp_path / "photo.png").unlink()
    with pytest.raises(PromptlabError, match=r"cannot read the image 'photo\.png': no such file"):
        in_base64(image)


def test_an_image_out_of_the_store_has_no_file() -> None:
    image = Image("photo.png", "image/png", digest_bytes(DATA))
    with pytest.raises(PromptlabError, match=r"the image 'photo\.png' has no file here"):
        data_url(image)
