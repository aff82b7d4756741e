from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from promptlab.core.errors import BackendError, PromptlabError, StoreError, place


@pytest.mark.parametrize("kind", [PromptlabError, BackendError, StoreError])
def test_an_error_keeps_hint_and_place_between_processes(kind: type[PromptlabError]) -> None:
    error = pickle.loads(pickle.dumps(kind("wrong", hint="fix it", where="a.yaml:3")))
    assert type(error) is kind
    assert (error.message, error.hint, error.where) == ("wrong", "fix it", "a.yaml:3")


def test_an_error_is_one_line_with_its_place_and_remedy() -> None:
    assert str(PromptlabError("wrong", hint="fix it", where="a.yaml:3")) == (
        "a.yaml:3: wrong (fix it)"
    )
    assert str(PromptlabError("wrong")) == "wrong"
    assert str(PromptlabError("wrong", hint="fix it")) == "wrong (fix it)"


def test_a_place_names_file_line_and_key() -> None:
    assert place(Path("a.yaml")) == "a.yaml"
    assert place("a.yaml", 3) == "a.yaml:3"
    assert place("a.yaml", 3, "x.y") == "a.yaml:3: x.y"
    assert place("a.yaml", key="x") == "a.yaml: x"


def test_an_error_takes_a_place_where_it_has_none() -> None:
    assert str(PromptlabError("wrong").at("a.yaml:3")) == "a.yaml:3: wrong"
    assert str(PromptlabError("wrong", where="b.j2:1").at("a.yaml:3")) == "b.j2:1: wrong"


def test_a_reworded_error_keeps_its_kind_and_the_rest() -> None:
    error = BackendError("wrong", hint="fix it", where="a.yaml:3")
    assert str(error.in_case("q7")) == "a.yaml:3: wrong, in case 'q7' (fix it)"
    assert str(error.saying("bad")) == "a.yaml:3: bad (fix it)"
    assert str(error.advising("buy another")) == "a.yaml:3: wrong (buy another)"
    assert type(error.in_case("q7").advising(None)) is BackendError
    assert str(error) == "a.yaml:3: wrong (fix it)"
