from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from promptlab.core import plugins
from promptlab.core.errors import PromptlabError

Write = Callable[[str, str], Path]


def mistake(action: Callable[[], object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        action()
    return str(caught.value)


def test_a_family_lists_its_modules() -> None:
    assert "echo" in plugins.names("backends")
    assert not [name for name in plugins.names("backends") if name.startswith("_")]


def test_a_plugin_is_found_by_name() -> None:
    assert getattr(plugins.load("backends", "echo"), "kind", None) == "echo"


def test_an_unknown_plugin_is_reported_with_the_nearest_one() -> None:
    assert mistake(lambda: plugins.load("backends", "ehco")) == (
        "unknown backend 'ehco' (did you mean 'echo'?)"
    )


def test_the_users_own_plugin_is_found_in_the_project(write: Write, project: Path) -> None:
    write("plugin_of_a_test.py", "thing = 7\n")
    assert plugins.load("backends", "plugin_of_a_test:thing", project) == 7
    assert mistake(lambda: plugins.load_attr("plugin_of_a_test:thin", project)) == (
        "unknown attribute 'thin' of plugin_of_a_test (did you mean 'thing'?)"
    )


def test_a_missing_module_is_reported(project: Path) -> None:
    assert mistake(lambda: plugins.load_attr("absent_one.sub:x", project)) == (
        "cannot import 'absent_one.sub:x': ModuleNotFoundError: No module named 'absent_one' "
        "(put absent_one.py into the project's folder or install it)"
    )
    assert mistake(lambda: plugins.load_attr(":x", None)) == (
        "cannot import ':x': ValueError: Empty module name (write module:attribute)"
    )


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("broken_1", "1/0", "ZeroDivisionError: division by zero (fix broken_1)"),
        ("broken_2", "def f(:", "SyntaxError: invalid syntax (fix broken_2)"),
        (
            "broken_3",
            "import absent_two",
            "ModuleNotFoundError: No module named 'absent_two' "
            "(put absent_two.py into the project's folder or install it)",
        ),
    ],
)
def test_a_module_that_fails_to_load_is_reported_in_one_line(
    write: Write, project: Path, name: str, code: str, message: str
) -> None:
    write(f"{name}.py", code)
    error = mistake(lambda: plugins.load_attr(f"{name}:x", project))
    assert error == f"cannot import '{name}:x': {message}"


def test_a_failing_plugin_of_another_distribution_is_reported() -> None:
    point = EntryPoint("theirs", "absent_three:x", "promptlab.backends")
    assert mistake(lambda: plugins.load_point(point)) == (
        "cannot load the plugin 'theirs': ModuleNotFoundError: No module named 'absent_three' "
        "(fix or uninstall the distribution that provides absent_three:x)"
    )


def test_entry_points_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "theirs_of_a_test-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs-of-a-test\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[promptlab.backends]\ntheirs = json:dumps\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "theirs" in plugins.names("backends")
    assert getattr(plugins.load("backends", "theirs"), "__name__", None) == "dumps"


def test_the_remedy_for_an_unknown_name_lists_what_there_is() -> None:
    assert plugins.unknown("case", "zzz", ["b", "a"]).hint == "known: a, b"
    assert plugins.unknown("case", "zzz", map(str, range(25))).hint == (
        "known: 0, 1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 2, 20, 21, 22, 23, 24, 3, 4"
        " and 5 more"
    )
    assert plugins.unknown("case", "zzz", []).hint == "there are none yet"
