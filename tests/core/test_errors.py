from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from promptlab.core.errors import BackendError, PromptlabError, StoreError, place


@pytest.mark.parametrize("kind", [PromptlabError, BackendError, StoreError])
def test_an_error_keeps_hint_and_place_between_processes(kind: type[PromptlabError]) -> None:
    error = pickle.loads(pickle.dumps(kind("wrong", hint="mend it", where="a.yaml:3")))
    assert type(error) is kind
    assert (error.message, error.hint, error.where) == ("wrong", "mend it", "a.yaml:3")


def test_an_error_is_one_line_with_its_place_and_remedy() -> None:
    assert str(PromptlabError("wrong", hint="mend it", where="a.yaml:3")) == (
        "a.yaml:3: wrong (mend it)"
    )
    assert str(PromptlabError("wrong")) == "wrong"
    assert str(PromptlabError("wrong", hint="mend it")) == "wrong (mend it)"


def test_a_place_names_file_line_and_key() -> None:
    assert place(Path("a.yaml")) == "a.yaml"
    assert place("a.yaml", 3) == "a.yaml:3"
    assert place("a.yaml", 3, "x.y") == "a.yaml:3: x.y"
    assert place("a.yaml", key="x") == "a.yaml: x"
