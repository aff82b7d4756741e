"""How the arms of joined runs are called, so that no two on one backend have the same name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from promptlab.core.results import MeasuredArm

Settings = Sequence[tuple[int, MeasuredArm]]
"""An arm as each run has it, with the number of the run; the first one names it."""


def backend_names(arms: Sequence[Settings]) -> list[str]:
    """Name the backend of each arm; by number where one prompt met several under that name.

    So it is with an adapter that was trained on: what it was stays a backend of its own.
    """
    met: defaultdict[object, set[str]] = defaultdict(set)
    digests: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for settings in arms:
        measured = settings[0][1]
        arm = measured.arm
        met[arm.digest, arm.prompt, arm.backend, arm.sampling].add(measured.backend_digest)
        digests[arm.backend].setdefault(measured.backend_digest, len(digests[arm.backend]) + 1)
    several = {key[2] for key, found in met.items() if isinstance(key, tuple) and len(found) > 1}
    return [
        f"{name} [#{digests[name][measured.backend_digest]}]" if name in several else name
        for measured in (settings[0][1] for settings in arms)
        for name in [measured.arm.backend]
    ]


def arm_labels(arms: Sequence[Settings], backends: Sequence[str]) -> list[str]:
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
        if len({backends[place] for place in places}) < len(places):
            _number(labels, places, arms)
    return labels


def _number(labels: list[str], places: Sequence[int], arms: Sequence[Settings]) -> None:
    """Number arms of one name by their sampling, the same number on every backend."""
    known: dict[object, int] = {}
    for place in places:
        number = known.setdefault(arms[place][0][1].arm.sampling, len(known) + 1)
        labels[place] += f" [#{number}]"
