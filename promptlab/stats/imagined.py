"""Samples that look surer than they are: what to add where hardly any unit has differed.

A unit is what was sampled: a case, or a group of cases where they come in groups. Two imagined
units, one with the largest difference that there can be and one with its opposite, stand for what
may be there unseen. The idea is D. G. Bonett and R. M. Price's, J. Educ. Behav. Stat. 37 (2012),
479-488, for pairs of passes and failures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FEW = 6  # units that differ


def few_differ(units: Floats) -> bool:
    """Return whether fewer than six units differ, and not all do.

    Args:
        units: the difference of each unit, of shape (units,)
    """
    differ = int(np.count_nonzero(units))
    return differ < min(FEW, units.size)


def too_tight(units: Floats, largest: float) -> bool:
    """Return whether differences spread by less than half of a whole flip: sum of squares < D²/2.

    Args:
        units: the difference of each unit, of shape (units,)
        largest: D, the largest difference that a case can show
    """
    return float(np.sum((units - units.mean()) ** 2)) < largest**2 / 2


def with_imagined(d: Floats, groups: Ints, largest: float = 1.0) -> tuple[Floats, Ints]:
    """Return cases and their groups with two imagined groups, of the median size, added.

    Where every case is a group of its own, these are two imagined cases.

    Args:
        d: differences of shape (cases,)
        groups: whole numbers of shape (cases,), equal for cases of one group
        largest: D, the largest difference that a case can show
    """
    _, sizes = np.unique(groups, return_counts=True)
    size = round(float(np.median(sizes)))
    first = int(groups.max()) + 1
    return (
        np.concatenate([d, np.repeat([largest, -largest], size)]),
        np.concatenate([groups, np.repeat([first, first + 1], size)]),
    )
