from __future__ import annotations

import pytest
from pydantic import ValidationError

from promptlab.core.sampling import SamplingSettings
from promptlab.core.types import Sampling


def test_only_what_is_set_is_given() -> None:
    assert SamplingSettings().given() == {}
    assert SamplingSettings(temperature=0).given() == {"temperature": 0}


def test_one_stop_text_is_a_list_of_one() -> None:
    given = SamplingSettings.model_validate({"stop": "END"}).given()
    assert Sampling(**given).stop == ("END",)


@pytest.mark.parametrize(
    "wrong",
    [{"temperature": -1}, {"top_p": 0}, {"max_tokens": 0}, {"seed": -1}, {"seed": 2**31},
     {"max_tokens": True}, {"n": 2}, {"stop": [3]}],
)  # fmt: skip
def test_values_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SamplingSettings.model_validate(wrong)
