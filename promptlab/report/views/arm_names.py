"""Names for the arms of a run, from full to short: a table takes the fullest there is room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promptlab.core.types import Arm


@dataclass(frozen=True, slots=True)
class ArmNames:
    """A name for each arm, by its label, and the lines that say what the names leave out."""

    names: Mapping[str, str]
    legend: tuple[str, ...] = ()


def arm_names(arms: Sequence[Arm]) -> list[ArmNames]:
    """Return names for arms, the fullest first.

    They are without the backend if there is one, then without practices, then without the template
    if there is one, and in the end only numbers.
    """
    several = len({arm.backend for arm in arms}) > 1
    plain = {arm.label: arm.label if several else arm.prompt for arm in arms}
    full = {arm.label: plain[arm.label] + _practices(arm) for arm in arms}
    followed = tuple(_followed(arms))
    found = [ArmNames(full)]
    if full != plain:
        found.append(ArmNames(plain, followed))
    templates = {arm.template for arm in arms}
    if len(templates) == 1:
        (template,) = templates
        short = {label: name.removeprefix(f"{template}@") for label, name in plain.items()}
        found.append(ArmNames(short, (f"All are versions of {template}.", *followed)))
    numbers = {arm.label: f"#{place}" for place, arm in enumerate(arms, 1)}
    return [*found, ArmNames(numbers, tuple(numbered([full[arm.label] for arm in arms])))]


def numbered(names: Sequence[str]) -> list[str]:
    """Return the legend of a table whose rows are only numbered."""
    return [f"#{place}: {name}" for place, name in enumerate(names, 1)]


def _practices(arm: Arm) -> str:
    return f" ({' '.join(arm.practices)})" if arm.practices else ""


def _followed(arms: Sequence[Arm]) -> list[str]:
    """Return a line for each version that follows practices, which `-name` switches off."""
    followed: dict[str, dict[str, None]] = {}
    for arm in arms:
        version = followed.setdefault(f"{arm.template}@{arm.version}", {})
        version.update(dict.fromkeys((*arm.practices, *arm.off)))
    return [
        f"{version} follows: {', '.join(practices)}"
        for version, practices in followed.items()
        if practices
    ]
