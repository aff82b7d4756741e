"""The modules of a project: found beside libraries, identified by all that they import."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from promptlab.core.modules import load_module, module_file, sources

Write = Callable[[str, str], Path]


@pytest.fixture(autouse=True)
def _own_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", sys.path.copy())


def test_a_projects_module_is_found_beside_the_library(project: Path, write: Write) -> None:
    write("json.py", "from helper_of_modules import WORD\n")
    write("helper_of_modules.py", "import json\nWORD = json.dumps([1])\n")
    module = load_module("json", project)
    assert module.WORD == "[1]"
    assert module is load_module("json", project)
    assert sys.modules["json"] is json
    assert sys.path[-1] == str(project)


def test_two_projects_may_have_modules_of_one_name(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "module_of_two.py").write_text("from helper_of_two import WORD\n")
        (tmp_path / name / "helper_of_two.py").write_text(f"WORD = {name!r}\n")
    names = ["one", "two", "one"]
    assert [load_module("module_of_two", tmp_path / name).WORD for name in names] == names


def test_an_edit_of_a_neighbour_is_seen(project: Path, write: Write) -> None:
    write("edited_of_modules.py", "from neighbour_of_modules import WORD\n")
    write("neighbour_of_modules.py", "WORD = 1\n")
    assert load_module("edited_of_modules", project).WORD == 1
    write("neighbour_of_modules.py", "WORD = 2\n")
    assert load_module("edited_of_modules", project).WORD == 2


def test_a_module_that_broke_is_tried_again(project: Path, write: Write) -> None:
    write("random.py", "1 / 0\n")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            load_module("random", project)
    write("random.py", "WORD = 1\n")
    assert load_module("random", project).WORD == 1


@pytest.mark.parametrize(
    ("name", "text", "known"),
    [
        ("mine", "", ["mine.py"]),
        ("mine", "import helper", ["helper.py", "mine.py"]),
        ("mine", "def f():\n    from helper import x\n", ["helper.py", "mine.py"]),
        ("mine", "import json, absent", ["mine.py"]),
        ("mine", "import pack", ["mine.py", "pack/__init__.py"]),
        ("mine", "import pack.deep", ["mine.py", "pack/__init__.py", "pack/deep.py"]),
        ("mine", "from pack import deep", ["mine.py", "pack/__init__.py", "pack/deep.py"]),
        ("mine", "import twice", ["helper.py", "mine.py", "twice.py"]),
        ("mine", "def broken(:", ["mine.py"]),
        ("pack.mine", "from . import deep", ["pack/__init__.py", "pack/deep.py", "pack/mine.py"]),
        ("pack.mine", "from .deep import x", ["pack/__init__.py", "pack/deep.py", "pack/mine.py"]),
        ("pack.mine", "from .. import helper", ["helper.py", "pack/__init__.py", "pack/mine.py"]),
    ],
)
def test_a_module_is_known_by_all_that_it_imports(
    project: Path, write: Write, name: str, text: str, known: list[str]
) -> None:
    write("helper.py", "")
    write("twice.py", "import helper, twice\n")
    write("pack/__init__.py", "")
    write("pack/deep.py", "")
    path = write(f"{name.replace('.', '/')}.py", text)
    file = module_file(name, project)
    assert file == path
    assert sorted(sources(file, project)) == known
    before = sources(file, project)
    for part in known:
        write(part, f"{(project / part).read_text()}\n# edited\n")
    now = sources(file, project)
    assert all(now[part] != before[part] for part in known)


def test_a_module_outside_a_project_is_identified_by_itself(project: Path) -> None:
    file = module_file("json", project)
    assert file is not None
    assert [*sources(file, project)] == ["__init__.py"]
    assert module_file("absent_one", None) is module_file("sys", None) is None


def test_a_folder_without_an_init_is_a_package_too(project: Path, write: Write) -> None:
    write("folder_of_modules/mine.py", "WORD = 1\n")
    assert load_module("folder_of_modules.mine", project).WORD == 1
    write("folder_of_modules/mine.py", "WORD = 2\n")
    assert load_module("folder_of_modules.mine", project).WORD == 2
