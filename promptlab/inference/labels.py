"""How the arms of joined runs are called, so that no two on one backend have the same name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from promptlab.results import MeasuredArm

Settings = Sequence[tuple[int, MeasuredArm]]
"""An arm as each run has it, with the number of the run; the first one names it."""


def arm_labels(arms: Sequence[Settings]) -> list[str]:
    """Name arms by their prompt; by its text too where a name has had several; else by number."""
    named = [settings[0][1].arm for settings in arms]
    labels = [arm.prompt for arm in named]
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for arm in named:
        texts[arm.prompt].add(arm.digest)
    for place, arm in enumerate(named):
        if len(texts[arm.prompt]) > 1:
            labels[place] += f" [{arm.digest.partition(':')[2][:6]}]"
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for place in range(len(named)):
        alike[labels[place]].append(place)
    for places in alike.values():
        backends = [named[place].backend for place in places]
        if len(set(backends)) < len(places):
            _number(labels, places, arms)
    return labels


def _number(labels: list[str], places: Sequence[int], arms: Sequence[Settings]) -> None:
    """Number arms of one name by what else they differ in, the same number on every backend."""
    known: dict[object, int] = {}
    seen: set[tuple[str, int]] = set()
    for place in places:
        measured = arms[place][0][1]
        number = known.setdefault(measured.sampling, len(known) + 1)
        while (measured.arm.backend, number) in seen:  # other options of the backend
            number = known.setdefault((measured.backend_digest, number), len(known) + 1)
        seen.add((measured.arm.backend, number))
        labels[place] += f" [#{number}]"
