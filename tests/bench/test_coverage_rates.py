"""Every setting of the simulation with few runs: a rate that is missed by far is a fault.

The table of `python -m bench.coverage` is what the rates are judged by; this finds a mistake soon.
"""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module

import pytest

from bench.coverage.frame import held
from bench.coverage.work import results, themes

pytestmark = pytest.mark.slow
RUNS, FEWER, ERRORS = 400, 100, 4  # fewer where each run takes the whole way of a command
SETTINGS = [(name, one.label) for name, module in themes().items() for one in module.settings()]


@pytest.mark.parametrize(("theme", "label"), SETTINGS, ids=[": ".join(one) for one in SETTINGS])
def test_a_setting_keeps_its_rates(theme: str, label: str) -> None:
    settings = import_module(f"bench.coverage.{theme}").settings()
    setting = next(one for one in settings if one.label == label)
    runs = RUNS if setting.ways()[1] is not None else FEWER
    found = held(replace(setting, plain=None), runs, seed=7, errors=ERRORS)
    assert found.missed == ()
    assert found.against == 0


def test_processes_side_by_side_find_the_same() -> None:
    alone, together = (list(results("cost", [0, 1], 20, 1, processes)) for processes in (1, 2))
    assert [one.label for one in alone] == [one.label for one in together]
    assert [one.shares for one in alone] == [one.shares for one in together]
