"""The shape of the package: no circles, a home for every module, none too large.

Which way imports may point is import-linter's to say; it cannot see circles within a layer.
"""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from statistics import median

import grimp

PACKAGE = Path(__file__).resolve().parent.parent / "promptlab"
AT_THE_TOP = {"__init__", "__main__", "api", "pytest_plugin"}
LONGEST, MEDIAN = 300, 130  # lines


def test_no_module_imports_itself_through_others() -> None:
    # Also not for the sake of types: imports under `if TYPE_CHECKING:` are in this graph.
    graph = grimp.build_graph("promptlab", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert imports["promptlab.cases.files"] >= {"promptlab.cases.parquet"}  # a lazy one
    TopologicalSorter(imports).prepare()  # a CycleError names the circle


def test_every_module_is_in_a_package() -> None:
    assert {path.stem for path in PACKAGE.glob("*.py")} <= AT_THE_TOP


def test_no_module_is_too_long() -> None:
    lines = {
        path.relative_to(PACKAGE): path.read_text(encoding="utf-8").count("\n")
        for path in PACKAGE.rglob("*.py")
    }
    assert [str(path) for path, count in lines.items() if count > LONGEST] == []
    assert median(lines.values()) < MEDIAN


# Who may write to a stream or make a text for one: the doors, and what stands directly behind them.
WRITERS = {
    "print": set[str](),
    "click.echo": set[str](),
    "click.secho": set[str](),
    "sys.stdout.write": {
        "cli/output.py",
        "local_model/loading/convert.py",
    },  # a child to its parent
    "sys.stderr.write": {"cli/output.py"},
    "Console": set[str](),
    "Text": {"report/terminal/text.py"},
    "Text.from_markup": set[str](),
}


def test_nothing_goes_around_the_door_to_the_terminal() -> None:
    found = [
        f"{name}:{node.lineno}: {ast.unparse(node.func)}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and (name := path.relative_to(PACKAGE).as_posix()) is not None
        and name not in WRITERS.get(ast.unparse(node.func), {name})
    ]
    assert found == []
