"""Images of cases: read once, identified by the digest of their bytes."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from promptlab.core.digest import digest_bytes, digest_text
from promptlab.core.errors import PromptlabError
from promptlab.core.files import is_below, read_bytes
from promptlab.core.types import Image

MAX_BYTES = 20_000_000
MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
_BEGINNINGS = {
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF....WEBP", re.DOTALL),
}


class ImageFolder:
    """Loads the images that templates name, from one folder or by URL.

    A path may lead out of the folder, but not out of the project: cases come from anywhere, and
    what they name is sent to a model.
    """

    def __init__(self, folder: Path, project: Path | None = None) -> None:
        """Take the folder that paths start from, and that of the project."""
        self._folder = folder
        self._allowed = (folder,) if project is None else (folder, project)
        self._loaded: dict[str, Image] = {}

    def load(self, source: str) -> Image:
        """Return an image by its path below the folder, or by its URL (which is not fetched)."""
        if source not in self._loaded:
            is_url = source.startswith(("http://", "https://"))
            self._loaded[source] = _by_url(source) if is_url else self._read(source)
        return self._loaded[source]

    def _read(self, source: str) -> Image:
        path = self._folder / source
        media_type = _media_type(source)
        if not is_below(path, *self._allowed):
            raise PromptlabError(
                f"the image {source!r} is outside the project and the folder of the cases",
                hint="put it beside the cases; links are followed",
            )
        try:
            data = read_bytes(path, source, MAX_BYTES)
        except PromptlabError as error:
            large = "larger" in error.message
            raise PromptlabError(
                f"cannot read the image {source!r}: {error.message}",
                hint="save it smaller" if large else "paths start from the folder of the cases",
            ) from None
        _check_content(source, media_type, data)
        return Image(source, media_type, digest_bytes(data), path=str(path))


def _by_url(source: str) -> Image:
    return Image(source, _media_type(urlsplit(source).path), digest_text(source))


def _check_content(source: str, media_type: str, data: bytes) -> None:
    """Reject a file that is not what its name says: servers do too, with cryptic messages."""
    actual = next((kind for kind, begins in _BEGINNINGS.items() if begins.match(data)), None)
    if actual is None:
        raise PromptlabError(
            f"the file {source!r} is not an image that models can read",
            hint="save it as PNG, JPEG, GIF or WebP",
        )
    if actual != media_type:
        fitting = next(suffix for suffix, kind in MEDIA_TYPES.items() if kind == actual)
        raise PromptlabError(
            f"the image {source!r} is {actual}, not {media_type} as its name says",
            hint=f"rename it: {PurePosixPath(source).stem}{fitting}",
        )


def _media_type(path: str) -> str:
    media_type = MEDIA_TYPES.get(PurePosixPath(path).suffix.lower())
    if media_type is None:
        raise PromptlabError(
            f"{path!r} is not named like an image that models can read",
            hint="its name must end in " + ", ".join(MEDIA_TYPES),
        )
    return media_type
