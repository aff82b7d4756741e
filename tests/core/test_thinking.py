"""The option that says whether a model is to think."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from promptlab.core.thinking import Thinking

READER: TypeAdapter[object] = TypeAdapter(Thinking)


@pytest.mark.parametrize(
    ("given", "read"), [("on", "on"), ("off", "off"), (True, "on"), (False, "off"), (2048, 2048)]
)
def test_it_is_on_off_or_a_number_of_tokens(given: object, read: object) -> None:
    assert READER.validate_python(given) == read


@pytest.mark.parametrize("given", [0, -1, "much", 1.5, "1024", None, float("inf")])
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(ValidationError):
        READER.validate_python(given)
