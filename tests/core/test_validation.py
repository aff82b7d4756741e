from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from promptlab.core.validation import shown, wrong_value


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: int = Field(1, ge=1, lt=9)
    share: float = 0.5
    on: bool = True
    kind: Literal["versions", "ablation"] = "versions"
    names: tuple[str, ...] = Field(("a",), min_length=1)
    table: dict[str, int] = {}
    either: str | tuple[str, ...] = ""
    code: Annotated[str, Field(pattern="^a")] = "a"
    own: str = ""

    @field_validator("own")
    @classmethod
    def _own(cls, value: str) -> str:
        if value:
            raise ValueError("this is never right")
        return value


@pytest.mark.parametrize(
    ("key", "value", "message", "hint"),
    [
        ("count", "many", "expected a whole number, found 'many'", "fix this value"),
        ("count", 1.5, "expected a whole number, found 1.5", "fix this value"),
        ("count", 0, "expected a number greater than or equal to 1, found 0", "fix this value"),
        ("count", 9, "expected a number less than 9, found 9", "fix this value"),
        ("count", None, "expected a whole number, found nothing", "fix this value"),
        ("share", "x", "expected a number, found 'x'", "fix this value"),
        ("on", "x", "expected true or false, found 'x'", "fix this value"),
        ("kind", "version", "expected 'versions' or 'ablation', found 'version'",
         "did you mean 'versions'?"),
        ("kind", "xyz", "expected 'versions' or 'ablation', found 'xyz'", "use one of these"),
        ("names", [], "the list is empty", "write at least one entry"),
        ("names", {"a": 1}, "expected a list, found keys and values", "fix this value"),
        ("table", 3, "expected keys and values, found 3", "fix this value"),
        ("either", 3, "expected text or a list, found 3", "put it in quotes"),
        ("own", "x", "this is never right", "fix this value"),
        ("code", "b", "expected something else (String should match pattern '^a'), found 'b'",
         "fix this value"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_described_in_one_line(
    key: str, value: object, message: str, hint: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        Model.model_validate({key: value})
    assert wrong_value(caught.value.errors()) == (message, hint)


def test_long_values_are_shown_short() -> None:
    assert shown("x" * 500) == "'" + "x" * 55 + "...'"
    assert shown("a\nb") == "'a\\nb'"


def test_a_number_that_python_cannot_write_is_still_shown() -> None:
    assert shown(10**5000) == "a number of many digits"
    assert shown(10**30) == "1" + "0" * 30
