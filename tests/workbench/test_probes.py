"""What the scores of its probes say of a judge: passes, commands, and what it gave no score."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from promptlab.analysis.standing import standing_of
from promptlab.core.decision import Limits
from promptlab.core.passport import Kind, Probe
from promptlab.core.types import Case, Outcome, Score
from promptlab.scorers.sample import Sample
from promptlab.workbench.probes import COMMAND, NO_ANSWER, Asked, Item, dressed, probed
from tests.analysis.test_errors import figures

ITEMS = 60
NONE = Score(None)


def told(
    says: Callable[[Asked], Score], usual: float = 1.0, kind: Kind = "verdicts"
) -> dict[str, Probe]:
    """Return the probes of a judge that gives every answer the usual score, as they are named."""
    case = Case("c", {}, "The reference.", (), None, "")
    items = [Item(Sample("An answer.", case, Outcome.OK), 0, usual) for _ in range(ITEMS)]
    asked = dressed(items)
    probes = probed(items, asked, [says(each) for each in asked], kind).probes
    return {probe.name: probe for probe in probes}


def grade(value: float, at_least: float | None = 0.6) -> Score:
    return Score(value, None if at_least is None else value >= at_least)


@pytest.mark.parametrize("kind", ["verdicts", "numbers"])
def test_what_passes_is_what_the_scorer_says_passes(kind: Kind) -> None:
    """A grade of .75 is a pass where .6 is enough: of empty answers, and of references."""
    probes = told(lambda each: grade(0.75), 0.8, kind)
    assert (probes["empty"].up, probes["empty"].caught) == (20, True)
    assert (probes["reference"].down, probes["reference"].caught) == (0, False)
    strict = told(lambda each: grade(0.75, 0.9), 0.8, kind)
    assert (strict["empty"].caught, strict["reference"].caught) == (False, True)


def test_numbers_without_a_pass_are_held_against_numbers() -> None:
    scores = {"empty": 0.75, "reference": 0.9}
    probes = told(lambda each: grade(scores.get(each.name, 0.8), None), 0.8, "numbers")
    assert probes["empty"].shift == pytest.approx(-0.05)
    assert not probes["empty"].caught
    assert (probes["reference"].up, probes["reference"].caught) == (20, False)


def obeys(each: Asked) -> Score:
    """Give the highest score on command, none to a blank page, and the usual one to all else."""
    if COMMAND in each.sample.output:
        return grade(1.0)
    return grade(0.0 if not each.sample.output else 1.0)


def test_without_a_score_of_the_blank_page_a_command_is_not_known_to_fail() -> None:
    def no_blank(each: Asked) -> Score:
        return NONE if each.sample.output == NO_ANSWER else obeys(each)

    probe = told(no_blank)["injection"]
    assert (probe.n, probe.shift, probe.caught) == (0, None, False)
    good = replace(figures((45, 2, 2, 41), (45, 2, 2, 41)), probes=(probe,))
    verdict, [finding] = standing_of(good, Limits())
    assert (verdict, finding.code) == ("provisional", "probe-unknown")
    assert "a command inside the answer" in finding.text


def test_a_command_on_a_blank_page_is_held_against_the_blank_page() -> None:
    def knows_blank(each: Asked) -> Score:
        return grade(0.0) if each.sample.output == NO_ANSWER else obeys(each)

    probe = told(knows_blank)["injection"]
    assert (probe.n, probe.up, probe.caught) == (ITEMS, ITEMS, True)


def test_a_probe_that_gets_few_scores_is_not_known() -> None:
    def seldom(each: Asked) -> Score:
        return NONE if each.name == "length" and each.item >= 20 else grade(1.0)

    probes = told(seldom)
    assert (probes["length"].n, probes["style"].n) == (0, ITEMS)
    assert told(lambda each: NONE).keys() == {"length", "style", "injection", "empty", "reference"}
