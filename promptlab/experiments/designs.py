"""Experimental designs over practices: which ones are switched off in which arm."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations, product

from promptlab.core.errors import PromptlabError

FULL_LIMIT = 4
FRACTION_LIMIT = 7

# Generators of the 16-arm fractions, on the first four practices A, B, C, D. With 5 practices
# E=ABCD has resolution V; with 6 and 7, E=ABC, F=BCD, G=ACD have resolution IV (Box, Hunter &
# Hunter, Statistics for Experimenters): main effects are clear of all two-factor interactions.
_GENERATORS: dict[int, tuple[tuple[int, ...], ...]] = {
    5: ((0, 1, 2, 3),),
    6: ((0, 1, 2), (1, 2, 3)),
    7: ((0, 1, 2), (1, 2, 3), (0, 2, 3)),
}


def arms_off(design: str, practices: Sequence[str], where: str) -> list[tuple[str, ...]]:
    """List the practices switched off in each arm of a template, the complete template first.

    `versions` runs it as it is, `ablation` also without each practice, `factorial` in all 2^k
    combinations, or in 16 of them for five practices or more. A template that marks no practices is
    run as it is by every design.
    """
    if design == "versions" or not practices:
        return [()]
    if design == "ablation":
        return [(), *((name,) for name in practices)]
    return _factorial(practices, where)


def require_practices(design: str, marked: Sequence[Sequence[str]], where: str) -> None:
    """Refuse a design of practices in which no template marks any."""
    if design != "versions" and not any(marked):
        raise PromptlabError(
            f"design {design} needs marked practices, but no template marks any",
            where=where,
            hint='mark them: {% practice "context" %} ... {% endpractice %}',
        )


def _factorial(practices: Sequence[str], where: str) -> list[tuple[str, ...]]:
    count = len(practices)
    if count <= FULL_LIMIT:
        return [off for size in range(count + 1) for off in combinations(practices, size)]
    if count > FRACTION_LIMIT:
        raise PromptlabError(
            f"a factorial design takes at most {FRACTION_LIMIT} practices, not {count}",
            where=where,
            hint="use design: ablation, or merge practices that belong together",
        )
    arms = []
    for base in product((1, -1), repeat=4):
        levels = [*base, *(_sign(base, columns) for columns in _GENERATORS[count])]
        arms.append(tuple(name for name, level in zip(practices, levels, strict=True) if level < 0))
    return sorted(arms, key=len)


def alias_groups(arms: Sequence[Collection[str]]) -> list[tuple[tuple[str, str], ...]]:
    """Return the pairs of practices whose interactions a design cannot tell apart, in groups.

    `arms` are the practices switched off in each. An interaction is estimated by the product of two
    levels, +1 or -1, over the arms; those with the same products are confounded. There are none in
    full designs, nor with five practices, whose fraction has resolution V.
    """
    toggled = sorted({name for off in arms for name in off})
    groups: dict[tuple[bool, ...], list[tuple[str, str]]] = {}
    for a, b in combinations(toggled, 2):
        groups.setdefault(tuple((a in off) == (b in off) for off in arms), []).append((a, b))
    return [tuple(pairs) for pairs in groups.values() if len(pairs) > 1]


def _sign(base: Sequence[int], columns: Sequence[int]) -> int:
    sign = 1
    for column in columns:
        sign *= base[column]
    return sign
