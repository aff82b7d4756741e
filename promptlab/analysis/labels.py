"""Names for the arms of joined runs, so that no two on one backend have the same name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from promptlab.core.measured import MeasuredArm

Settings = Sequence[tuple[int, MeasuredArm]]
"""An arm as it appears in each run, with the number of the run; the first one names it."""


def backend_names(arms: Sequence[Settings]) -> list[str]:
    """Name the backend of each arm, with a number if a prompt ran on several under that name.

    An adapter that was trained further is such a case: its earlier state stays a separate backend.
    """
    seen: defaultdict[tuple[str, object], set[str]] = defaultdict(set)
    digests: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for settings in arms:
        measured = settings[0][1]
        arm = measured.arm
        prompt = (arm.digest, arm.prompt, arm.sampling)
        seen[arm.backend, prompt].add(measured.backend_digest)
        digests[arm.backend].setdefault(measured.backend_digest, len(digests[arm.backend]) + 1)
    several = {backend for (backend, *_), digests_seen in seen.items() if len(digests_seen) > 1}
    return [
        f"{name} [#{digests[name][measured.backend_digest]}]" if name in several else name
        for measured in (settings[0][1] for settings in arms)
        for name in [measured.arm.backend]
    ]


def arm_labels(arms: Sequence[Settings], backends: Sequence[str]) -> list[str]:
    """Name arms by prompt, adding the text's digest or a number where that is ambiguous."""
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
    """Number arms of one name by their sampling, with the same number on every backend."""
    known: dict[object, int] = {}
    for place in places:
        number = known.setdefault(arms[place][0][1].arm.sampling, len(known) + 1)
        labels[place] += f" [#{number}]"
