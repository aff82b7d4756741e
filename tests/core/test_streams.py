from __future__ import annotations

import asyncio
import io
import sys
import threading
from pathlib import Path

import pytest

from promptlab.core.foreign import call_foreign, foreign
from promptlab.core.streams import Door, Ready, own_streams


class Unwilling(io.StringIO):
    """A stream that takes nothing any more."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def write(self, text: str) -> int:
        raise self._error


def test_what_is_written_is_visible(capsys: pytest.CaptureFixture[str]) -> None:
    with own_streams():
        sys.stdout.write("\x1b[2Jcleared\n")
        sys.stderr.write("\x1b[2Jcleared\n")
        sys.stdout.writelines(["one\n", "two\x07\n"])
    assert capsys.readouterr() == ("^[[2Jcleared\none\ntwo^G\n", "^[[2Jcleared\n")


def test_a_renderer_writes_its_own_styles(capsys: pytest.CaptureFixture[str]) -> None:
    with own_streams():
        Ready(sys.stdout).write("\x1b[1mbold\x1b[0m\n")
    assert capsys.readouterr().out == "\x1b[1mbold\x1b[0m\n"


def test_stdout_is_kept_for_what_is_ours(capsys: pytest.CaptureFixture[str]) -> None:
    async def says() -> None:
        await asyncio.sleep(0)
        sys.stdout.write("theirs, async\n")

    with own_streams():
        sys.stdout.write("ours\n")
        with foreign("it fails"):
            sys.stdout.write("theirs\x1b[2J\n")
            thread = threading.Thread(target=sys.stdout.write, args=["theirs, in a thread\n"])
            thread.start()
            thread.join()
        asyncio.run(call_foreign(says, "it fails"))
        sys.stdout.write("ours again\n")
    out, err = capsys.readouterr()
    assert out == "ours\nours again\n"
    assert err == "theirs^[[2J\ntheirs, in a thread\ntheirs, async\n"


def test_user_code_cannot_close_it(capsys: pytest.CaptureFixture[str]) -> None:
    with own_streams():
        sys.stdout.close()
        sys.stdout.write("still there\n")
    assert capsys.readouterr().out == "still there\n"


@pytest.mark.parametrize(
    ("stream", "failure"),
    [
        (Unwilling(BrokenPipeError()), None),
        (Unwilling(OSError(28, "No space left on device")), "No space left on device"),
        (Unwilling(ValueError("I/O operation on closed file")), "it was closed"),
        (None, "it is closed"),
    ],
)
def test_one_that_takes_nothing_is_no_exception(
    stream: io.StringIO | None, failure: str | None
) -> None:
    door = Door(stream)
    assert door.failure is None
    door.write("")
    for _ in range(2):
        assert door.write("text") == 4
        door.flush()
    assert door.failure == failure


def test_a_full_device_is_told(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full")
    with full.open("w") as stream:
        door = Door(stream)
        door.write("kept back")
        assert door.failure is None
        door.flush()
        assert door.failure == "No space left on device"


def test_lines_of_others_stand_above_a_display() -> None:
    stream, lines = io.StringIO(), list[str]()
    door = Door(stream)
    with door.shown_above(lines.append):
        door.write("one\ntw")
        door.write("o\nthree")
    door.write("!\n")
    assert lines == ["one", "two"]
    assert stream.getvalue() == "three!\n"
