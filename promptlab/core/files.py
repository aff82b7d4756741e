"""A user's files: the only place where they are opened, listed, written and locked.

A file may be missing, unreadable, endless, a pipe or a device, or have a name that is no text:
whatever is wrong is a PromptlabError with the path. Knows nothing of what files contain.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from promptlab.core.errors import PromptlabError

if sys.platform != "win32":  # writers are not kept apart there, but each file is written whole
    import fcntl

MAX_TEXT = 16_000_000
"""Bytes of a file that a person writes: a template, a suite, a configuration."""

MAX_DATA = 256_000_000
"""Bytes of a file of cases or outcomes."""

_NAMES_LIMIT = 100_000  # entries of one folder
_PERMISSIONS = "check the file's permissions"
# What tells that there is no such file; a name that is too long or holds a NUL names none either.
_ABSENT = (FileNotFoundError, NotADirectoryError, ValueError)


def read_bytes(path: Path, shown: str, most: int = MAX_DATA) -> bytes:
    """Read a file of at most `most` bytes; `shown` is its name in errors."""
    try:
        _require_plain(path.stat(), shown)
        # Another process may put a pipe in its place now: opening that must not wait either.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            found = os.fstat(descriptor)
            _require_plain(found, shown)
            data = file.read(most + 1) if found.st_size <= most else None
    except _ABSENT:
        raise PromptlabError("no such file", where=shown, hint="check the path") from None
    except OSError as error:
        raise _failure("read", error, shown) from None
    if data is None or len(data) > most:
        raise PromptlabError(
            f"the file is larger than {most // 1_000_000} MB",
            where=shown,
            hint="split it, or check that it is the right file",
        )
    return data


def read_text(path: Path, shown: str, most: int = MAX_TEXT, *, as_written: bool = False) -> str:
    """Read a UTF-8 file; `shown` is its name in errors.

    Lines end in LF, whatever the editor that wrote them, unless `as_written`.
    """
    text = decoded(read_bytes(path, shown, most), shown)
    return text if as_written else text.replace("\r\n", "\n")


def decoded(data: bytes, shown: str, encoding: str = "utf-8-sig") -> str:
    """Return bytes as text, or raise an error that names the first wrong byte."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        byte = f"byte {error.object[error.start]:#04x} at offset {error.start}"
        raise PromptlabError(
            f"not UTF-8: {byte}", where=shown, hint="save the file as UTF-8"
        ) from None


def exists(path: Path) -> bool:
    """Return whether anything has this path, a link that leads nowhere included."""
    return _state(path, follow=False) is not None


def last_change(path: Path) -> tuple[int, int] | None:
    """Return when a file was last written, in nanoseconds, and its size; None if there is none."""
    found = _state(path)
    return None if found is None else (found.st_mtime_ns, found.st_size)


def is_folder(path: Path) -> bool:
    """Return whether this is a folder, after links."""
    found = _state(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def is_file(path: Path) -> bool:
    """Return whether there is something to open, after links: whatever is no folder.

    A pipe or a device counts, since opening it tells what is wrong with it.
    """
    found = _state(path)
    return found is not None and not stat.S_ISDIR(found.st_mode)


def is_special(path: Path) -> bool:
    """Return whether this is a pipe or a device, after links: opening it may wait for ever."""
    found = _state(path)
    return found is not None and not (stat.S_ISDIR(found.st_mode) or stat.S_ISREG(found.st_mode))


def is_below(path: Path, *folders: Path) -> bool:
    """Return whether a path that comes from data stays in one of these folders, links followed."""
    try:
        found = path.resolve()
        return any(found.is_relative_to(folder.resolve()) for folder in folders)
    except (OSError, RuntimeError, ValueError):  # a loop of links, or a name that is none
        return False


def entries(folder: Path, shown: str, suffix: str = "") -> list[Path]:
    """List what is in a folder and ends with `suffix`, by name; `shown` is its name in errors."""
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry, _ in zip(found, range(_NAMES_LIMIT + 1), strict=False)]
    except _ABSENT:
        raise PromptlabError("no such folder", where=shown, hint="check the path") from None
    except OSError as error:
        raise _failure("read", error, shown) from None
    if len(names) > _NAMES_LIMIT:
        raise PromptlabError(
            f"the folder has more than {_NAMES_LIMIT:,} entries", where=shown, hint="tidy it up"
        )
    return [folder / _text_name(name, shown) for name in sorted(names) if name.endswith(suffix)]


def write_text(path: Path, text: str, *, new: bool = False) -> None:
    """Write a UTF-8 file in one step, as `write_bytes` does."""
    try:
        data = text.encode()
    except ValueError as error:  # half a surrogate pair
        _unwritable(path, error)
    write_bytes(path, data, new=new)


def write_bytes(path: Path, data: bytes, *, new: bool = False) -> None:
    """Write a file in one step: a reader sees all of it or nothing, and so does a full disk.

    A symbolic link stays one, and an existing file keeps its permissions. With `new`, a file that
    is already there is an error.
    """
    _check_plain(path)
    try:
        target = path.resolve()
        beside = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            _write_all(beside, data)
            if new:
                _put_new(beside, target)
            else:
                if target.exists():
                    shutil.copymode(target, beside)
                beside.replace(target)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    except FileExistsError:
        raise PromptlabError(
            "already exists", where=str(path), hint="choose another name"
        ) from None
    except OSError as error:
        raise _failure("write", error, str(path), "check the folder's permissions") from None
    except ValueError as error:  # a NUL or half a surrogate pair in the name
        _unwritable(path, error)


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give the name of a file to write piece by piece; in the end it takes the place of `path`.

    Until then `path` stays as it is, and if anything fails, nothing is left behind.
    """
    _check_plain(path)
    try:
        target = path.resolve()
        beside = target.with_name(f".{target.name}.{os.getpid()}.new")
        try:
            yield beside
            with beside.open("rb+") as file:
                os.fsync(file.fileno())
            if target.exists():
                shutil.copymode(target, beside)
            beside.replace(target)
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)
    except OSError as error:
        raise _failure("write", error, str(path), "check the folder's permissions") from None
    except ValueError as error:  # a NUL or half a surrogate pair in the name
        _unwritable(path, error)


def _check_plain(path: Path) -> None:
    """Refuse to put a file in the place of a pipe or a device, which others use too."""
    if is_special(path):
        problem = "this is a pipe or a device, not a file"
        raise PromptlabError(problem, where=str(path), hint="name a plain file")


def make_folder(path: Path) -> None:
    """Create a folder and its parents; one that is there already is fine."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failure("write", error, str(path), "check the folder's permissions") from None
    except ValueError as error:
        _unwritable(path, error)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the files of a folder meanwhile; they wait their turn.

    The lock is on the folder itself, so that no file is left behind, whatever ends the process.
    """
    if sys.platform == "win32":
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _failure("lock", error, str(folder)) from None
    try:
        with suppress(OSError):  # a file system without locks: each file is still written whole
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _state(path: Path, *, follow: bool = True) -> os.stat_result | None:
    """Return what is known about a path, None if nothing has it."""
    try:
        return path.stat() if follow else path.lstat()
    except PermissionError as error:
        raise _failure("read", error, str(path)) from None
    except (OSError, ValueError):
        return None


def _require_plain(found: os.stat_result, shown: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise PromptlabError("this is a folder, not a file", where=shown, hint="check the path")
    if not stat.S_ISREG(found.st_mode):
        raise PromptlabError(
            "this is a pipe or a device, not a file", where=shown, hint="name a plain file"
        )


def _text_name(name: str, shown: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        spelled = os.fsencode(name).decode("utf-8", "backslashreplace").replace("\n", "\\n")
        raise PromptlabError(
            f"the name of the file '{spelled}' is not UTF-8", where=shown, hint="rename it"
        ) from None
    return name


def _write_all(path: Path, data: bytes) -> None:
    """Write a new file, down to the disk: renaming it must not come before its content."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _put_new(beside: Path, target: Path) -> None:
    """Give a file its name unless another one has it."""
    try:
        os.link(beside, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if target.exists():
            raise FileExistsError from None
        beside.rename(target)


def _unwritable(path: Path, error: ValueError) -> NoReturn:
    what = "a surrogate" if isinstance(error, UnicodeError) else "a NUL character"
    raise PromptlabError(
        f"cannot write: the name or the text contains {what}", where=str(path), hint="remove it"
    ) from None


def _failure(doing: str, error: OSError, shown: str, hint: str = _PERMISSIONS) -> PromptlabError:
    reason = error.strerror or type(error).__name__
    denied = isinstance(error, PermissionError)
    remedy = hint if denied or doing == "write" else "check the path"
    return PromptlabError(f"cannot {doing}: {reason}", where=shown, hint=remedy)
