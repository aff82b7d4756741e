from __future__ import annotations

import ast
import multiprocessing
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

import promptlab
from promptlab.core.errors import PromptlabError
from promptlab.core.files import (
    entries,
    exists,
    is_file,
    is_folder,
    locked,
    make_folder,
    read_bytes,
    read_text,
    write_bytes,
    write_text,
)

AS_ROOT = not hasattr(os, "geteuid") or os.geteuid() == 0


def said(act: Callable[[], object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        act()
    return str(caught.value)


def read(path: Path) -> str:
    return said(lambda: read_text(path, "shown.txt"))


def test_files_are_utf8_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xef\xbb\xbf\xc3\xa4\n")
    assert read_text(tmp_path / "a", "a") == "ä\n"
    (tmp_path / "b").write_bytes(b"ab\xe4")
    assert read(tmp_path / "b") == (
        "shown.txt: not UTF-8: byte 0xe4 at offset 2 (save the file as UTF-8)"
    )


def test_lines_end_alike_whatever_editor_wrote_them(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one\r\ntwo\nthree\r")
    assert read_text(path, "a") == "one\ntwo\nthree\r"
    assert read_text(path, "a", as_written=True) == "one\r\ntwo\nthree\r"


def test_files_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    assert read(tmp_path / "absent") == "shown.txt: no such file (check the path)"
    assert read(tmp_path / "absent" / "x") == "shown.txt: no such file (check the path)"
    assert read(tmp_path) == "shown.txt: this is a folder, not a file (check the path)"
    assert read(Path("a\0b")) == "shown.txt: no such file (check the path)"
    assert read(Path("\ud800")) == "shown.txt: no such file (check the path)"
    assert "too long" in read(tmp_path / ("x" * 5000))


def test_a_pipe_a_device_and_a_circle_of_links_are_no_files(tmp_path: Path) -> None:
    pipe, endless, circle = (tmp_path / name for name in ("pipe", "endless", "circle"))
    os.mkfifo(pipe)
    endless.symlink_to("/dev/zero")
    circle.symlink_to(circle)
    assert read(pipe) == "shown.txt: this is a pipe or a device, not a file (name a plain file)"
    assert read(endless) == read(pipe)
    assert read(circle).startswith("shown.txt: cannot read: ")
    assert (is_file(pipe), is_file(endless), is_file(circle)) == (True, True, False)
    assert exists(circle)


def test_a_link_to_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "link").symlink_to("a")
    assert read_text(tmp_path / "link", "link") == "x"


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 2_000_000)
    assert len(read_bytes(path, "a", 2_000_000)) == 2_000_000
    assert said(lambda: read_bytes(path, "a", 1_999_999)).startswith("a: the file is larger than ")
    with path.open("r+b") as file:
        file.truncate(10**12)  # with a hole: it takes no room
    assert said(lambda: read_bytes(path, "a")) == (
        "a: the file is larger than 256 MB (split it, or check that it is the right file)"
    )


@pytest.mark.skipif(AS_ROOT, reason="root reads it all")
def test_a_file_without_permission_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.touch(mode=0o000)
    assert read(path) == "shown.txt: cannot read: Permission denied (check the file's permissions)"


@pytest.mark.skipif(AS_ROOT, reason="root reads it all")
def test_a_folder_without_permission_is_reported(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o000)
    try:
        assert "Permission denied" in said(lambda: entries(folder, "closed/"))
        assert "Permission denied" in said(lambda: is_file(folder / "a"))
        assert "Permission denied" in said(lambda: write_text(folder / "a", "x"))
    finally:
        folder.chmod(0o755)


def test_a_folder_is_listed_in_order(tmp_path: Path) -> None:
    for name in ("b.j2", "a.j2", "c.txt"):
        (tmp_path / name).touch()
    assert entries(tmp_path, "here/", ".j2") == [tmp_path / "a.j2", tmp_path / "b.j2"]
    assert said(lambda: entries(tmp_path / "d", "d/")) == "d/: no such folder (check the path)"
    assert said(lambda: entries(tmp_path / "c.txt", "c/")) == "c/: no such folder (check the path)"


def test_a_name_that_is_no_text_is_reported_where_it_would_be_used(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"v\xff.j2")).touch()
    assert said(lambda: entries(tmp_path, "here/", ".j2")) == (
        r"here/: the name of the file 'v\xff.j2' is not UTF-8 (rename it)"
    )
    assert entries(tmp_path, "here/", ".yaml") == []


def test_names_that_no_file_can_have_name_nothing() -> None:
    for name in ("x" * 5000, "a\0b", "\ud800"):
        assert not exists(Path(name))
        assert not is_file(Path(name))
        assert not is_folder(Path(name))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "aliases.yaml"
    write_text(path, "best: v1\n")
    path.chmod(0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    write_text(link, "best: ä\n")
    assert path.read_text(encoding="utf-8") == "best: ä\n"
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(tmp_path.iterdir()) == [path, link]


def test_a_file_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    with pytest.raises(PromptlabError, match="cannot write: ") as caught:
        write_text(taken, "x")
    assert caught.value.where == str(taken)
    assert list(tmp_path.iterdir()) == [taken]
    assert "cannot write: " in said(lambda: write_text(tmp_path / "a\0b", "x"))
    assert "cannot write: " in said(lambda: write_text(tmp_path / "a", "\ud800"))
    assert "cannot write: " in said(lambda: write_text(tmp_path / ("v" * 300), "x"))
    assert list(tmp_path.iterdir()) == [taken]
    assert "cannot write: " in said(lambda: make_folder(tmp_path / ("v" * 300)))
    assert "cannot write: " in said(lambda: make_folder(tmp_path / "a\0b"))


def test_a_new_file_takes_no_other_ones_name(tmp_path: Path) -> None:
    path = tmp_path / "v1.j2"
    write_text(path, "one", new=True)
    assert said(lambda: write_text(path, "two", new=True)).endswith(
        "v1.j2: already exists (choose another name)"
    )
    assert path.read_text() == "one"
    assert list(tmp_path.iterdir()) == [path]


def _on_a_full_disk(path: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
    with pytest.raises(PromptlabError, match="cannot write: File too large"):
        write_text(path, "x" * 100)


def test_a_full_disk_leaves_the_former_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "aliases.yaml"
    path.write_text("best: v1\nkept: v2\n")
    child = multiprocessing.get_context("fork").Process(target=_on_a_full_disk, args=(path,))
    child.start()
    child.join()
    assert child.exitcode == 0
    assert path.read_text() == "best: v1\nkept: v2\n"
    assert list(tmp_path.iterdir()) == [path]


def _add_line(folder: Path, number: int) -> None:
    with locked(folder):
        path = folder / "lines"
        text = read_text(path, "lines") if exists(path) else ""
        write_text(path, f"{text}{number}\n")


@pytest.mark.slow
def test_a_file_that_several_processes_change_keeps_all_changes(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_add_line, args=(tmp_path, n)) for n in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted((tmp_path / "lines").read_text().split()) == list("01234567")
    assert list(tmp_path.iterdir()) == [tmp_path / "lines"]


# Who opens files by other means, and why.
ELSEWHERE = {
    "core/files.py": "the place itself",
    "cases/workbook.py": "a part of a workbook that is in memory",
    "core/digest.py": "weights, in chunks",
    "codebox/box.py": "a text in a report: no file",
    "codebox/inside/limits.py": "what the kernel says of a process that cannot import this",
    "testing/backends.py": "an image of its own",
    "exporters/runs/formats.py": "a new file beside, from `written_beside`",
    "report/html/page/shell.py": "files of the package",
    "viewer/frame.py": "files of the package",
    "store/migrations.py": "a file of the package",
    "workbench/scaffold.py": "files of the package",
}
OPENING = {"open", "read_text", "read_bytes", "write_text", "write_bytes", "iterdir", "glob"}


def _openings(path: Path) -> list[str]:
    """List the calls of a module that open or list something without `core.files`."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [f.id for f in calls if isinstance(f, ast.Name) and f.id == "open"]
    methods = [f for f in calls if isinstance(f, ast.Attribute) and f.attr in OPENING]
    return named + [f.attr for f in methods if not _is_our_own(f)]


_OPENED = ("self", "backend", "()", "opened", "Store", "cls", "os")


def _is_our_own(method: ast.Attribute) -> bool:
    """Return whether `open` is that of a backend or of the store, or a file is the system's."""
    text = ast.unparse(method.value)
    if text.startswith(("Path('/proc/", "Path('/dev/")):
        return True
    return method.attr == "open" and text.endswith(_OPENED)


def test_files_of_the_user_are_opened_in_one_place() -> None:
    package = Path(promptlab.__file__).parent
    found = {
        path.relative_to(package).as_posix(): calls
        for path in package.rglob("*.py")
        if "local_model" not in path.parts and (calls := _openings(path))
    }
    assert found.keys() - ELSEWHERE.keys() == set(), found


def test_a_pipe_or_a_device_is_never_replaced(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(PromptlabError, match="a pipe or a device"):
            write_bytes(path, b"page")
        assert stat.S_ISFIFO(path.stat().st_mode)
