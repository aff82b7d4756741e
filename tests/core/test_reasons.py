from __future__ import annotations

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import promptlab
from promptlab.core.codes import Code
from promptlab.core.notes import NOTES, OPEN
from promptlab.core.reasons import Reason
from promptlab.core.refusals import REFUSALS
from promptlab.core.types import Json

PACKAGE = Path(promptlab.__file__).parent


def used(path: Path) -> Iterator[str]:
    """Yield the codes that a module names."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Attribute(value=ast.Name(id="Code"), attr=name):
                yield name


def test_every_code_is_used_and_every_used_code_is_listed() -> None:
    table = PACKAGE / "core/codes.py"
    named = {name for path in PACKAGE.rglob("*.py") if path != table for name in used(path)}
    assert named == set(Code.__members__)


def test_every_code_is_explained_once_and_nothing_else_is() -> None:
    explained = [*REFUSALS, *OPEN, *NOTES]
    assert sorted(explained) == sorted(Code)


@pytest.mark.parametrize("code", Code)
def test_a_code_is_a_stable_slug_that_says_what_it_means_and_what_to_do(code: Code) -> None:
    assert code.value == code.name.lower().replace("_", "-")
    assert re.fullmatch(r"[A-Z].*\.", code.meaning)
    assert re.fullmatch(r"[A-Z`].*\.", code.remedy)
    assert len(set(code.about)) == len(code.about)


def test_a_reason_is_about_what_its_code_lists() -> None:
    reason = Reason(Code.TOO_FEW_CASES, "3 cases", {"cases": 3, "least": 15})
    assert reason.arms == ()
    with pytest.raises(AssertionError, match="too-few-cases is about"):
        Reason(Code.TOO_FEW_CASES, "3 cases", {"cases": 3})


def test_a_reason_names_the_arms_that_it_is_about() -> None:
    about: dict[str, Json] = {"arms": ["a@v1"], "backends": ["m"], "cases": ["c1"]}
    reason = Reason(Code.LONE_CASES, "a@v1 on m alone has c1", about)
    assert (reason.arms, reason.backends) == (("a@v1",), ("m",))


def test_a_reason_is_a_value() -> None:
    one, same = (Reason(Code.NOT_HONOURED, "seed", {"what": "seed"}) for _ in range(2))
    assert len({one, same}) == 1
    assert pickle.loads(pickle.dumps(one)) == one
    assert one != Reason(Code.NOT_HONOURED, "seed", {"what": "stop"})
