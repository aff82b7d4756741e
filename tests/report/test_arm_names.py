from __future__ import annotations

import pytest

from promptlab.core.types import Arm
from promptlab.report.views.arm_names import arm_names

PRACTICES = ("clear", "context", "role")


def arm(version: str = "v5", off: tuple[str, ...] = (), backend: str = "echo") -> Arm:
    left = tuple(name for name in PRACTICES if name not in off)
    return Arm("support", version, "b2:0", left, off, backend)


def test_from_the_fullest_to_numbers() -> None:
    arms = [arm(), arm(off=("role",))]
    found = arm_names(arms)
    assert [list(each.names.values()) for each in found] == [
        ["support@v5 (clear context role)", "support@v5 -role (clear context)"],
        ["support@v5", "support@v5 -role"],
        ["v5", "v5 -role"],
        ["#1", "#2"],
    ]
    assert [each.legend for each in found] == [
        (),
        ("support@v5 follows: clear, context, role",),
        ("All are versions of support.", "support@v5 follows: clear, context, role"),
        ("#1: support@v5 (clear context role)", "#2: support@v5 -role (clear context)"),
    ]


def test_nothing_is_left_out_that_tells_arms_apart() -> None:
    arms = [arm(), arm(backend="other"), Arm("mood", "v5", "b2:1", (), (), "echo")]
    for names in arm_names(arms):
        assert len(set(names.names.values())) == 3
    assert list(arm_names(arms)[1].names.values()) == [
        "support@v5 on echo",
        "support@v5 on other",
        "mood@v5 on echo",
    ]


@pytest.mark.parametrize("practices", [(), PRACTICES])
def test_one_arm(practices: tuple[str, ...]) -> None:
    (only,) = [Arm("mood", "v1", "b2:0", practices, (), "echo")]
    assert [each.names[only.label] for each in arm_names([only])][-2:] == ["v1", "#1"]
