"""Images in the form that requests hold: base64, read when the request is sent."""

from __future__ import annotations

import base64
from functools import lru_cache
from pathlib import Path

from promptlab.core.digest import digest_bytes
from promptlab.core.errors import PromptlabError
from promptlab.core.files import read_bytes
from promptlab.core.types import Image

_KEPT = 8  # requests with the same image are close together in a run


def is_url(image: Image) -> bool:
    """Return whether the server has to fetch the image itself."""
    return image.source.startswith(("http://", "https://"))


def in_base64(image: Image) -> str:
    """Return the bytes of an image in base64. Raise PromptlabError if it has changed."""
    if image.path is None:
        raise PromptlabError(
            f"the image {image.source!r} has no file here", hint="run the suite where its cases are"
        )
    return _read(image.path, image.source, image.digest)


def data_url(image: Image) -> str:
    """Return an image as a `data:` URL, or its original URL."""
    return image.source if is_url(image) else f"data:{image.media_type};base64,{in_base64(image)}"


@lru_cache(_KEPT)
def _read(path: str, source: str, digest: str) -> str:
    try:
        data = read_bytes(Path(path), source)
    except PromptlabError as error:
        raise PromptlabError(
            f"cannot read the image {source!r}: {error.message}", hint="put it back and resume"
        ) from None
    if digest_bytes(data) != digest:
        raise PromptlabError(
            f"the image {source!r} was changed during the run", hint="start a new run"
        )
    return base64.b64encode(data).decode("ascii")
