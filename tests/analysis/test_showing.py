"""Texts with a practice against texts without it: which they are, and how they weigh."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from promptlab.analysis.measurements import JoinedArm, join
from promptlab.analysis.showing import Shown, shown_by_backend
from promptlab.analysis.wordings import Wordings, wordings_of
from promptlab.core.measured import MeasuredArm
from promptlab.core.types import Sampling
from promptlab.experiments.designs import arms_off
from tests.analysis.measured_runs import measured_arm, measured_run


def joined(arms: list[MeasuredArm]) -> tuple[JoinedArm, ...]:
    return join([measured_run([[1.0, 0.0]] * len(arms), arms=arms)]).arms


def shown(arms: list[MeasuredArm], practice: str = "clear") -> Shown:
    [one] = shown_by_backend(joined(arms), practice).values()
    return one


def version(name: str, *practices: str, text: str | None = None) -> MeasuredArm:
    return replace(measured_arm(name, practices=practices), text=text)


def counted(one: Shown) -> tuple[int, int, bool]:
    found = wordings_of([one])
    return found.with_it, found.without, found.drawn


def shares(one: Shown) -> dict[str, float]:
    return {
        label: count / len(side)
        for side in (one.with_it, one.without)
        for label, count in Counter(arm.label for arm in side).items()
    }


def test_all_texts_weigh_alike_on_their_side() -> None:
    one = shown([*(version(n, "clear") for n in "abcd"), *(version(n) for n in "xyz")])
    assert counted(one) == (4, 3, True)
    assert shares(one) == {
        **{f"t@{n}": 1 / 4 for n in "abcd"}, **{f"t@{n}": 1 / 3 for n in "xyz"},
    }  # fmt: skip


def test_a_copy_of_a_text_is_that_text() -> None:
    copies = [version(n, "clear", text="one") for n in ("a", "along", "acold")]
    one = shown([*copies, version("b", "clear", text="two"), version("x", text="three")])
    assert counted(one) == (2, 1, False)
    assert shares(one)["t@b"] == 1 / 2
    assert shares(one)["t@a"] == 1 / 6


def test_other_sampling_makes_no_other_text() -> None:
    hot = Sampling(temperature=1.0)
    arms = [
        replace(each, arm=replace(each.arm, sampling=sampling))
        for sampling in (Sampling(), hot)
        for each in (version("a", "clear"), version("x"))
    ]
    assert counted(shown(arms)) == (1, 1, False)


def test_designs_pair_each_text_with_itself() -> None:
    arms = [
        measured_arm(name, practices=("clear", "role"), off=off)
        for name in ("v1", "v2", "v3")
        for off in arms_off("factorial", ("clear", "role"), "t.j2")
    ]
    one = shown(arms)
    assert counted(one) == (3, 3, True)
    assert wordings_of([one]).between
    assert wordings_of([one]).least_df == 2


def test_pairs_that_share_a_text_are_not_more_texts() -> None:
    one = shown([version("x"), *(version(n, "clear") for n in "abcdefgh")])
    assert counted(one) == (8, 1, False)


def test_versions_of_other_practices_are_compared_among_themselves() -> None:
    arms = [
        version("x"), version("a", "clear"),
        version("y", "role"), version("b", "clear", "role"),
        version("z", "tone"), version("c", "clear", "tone"),
    ]  # fmt: skip
    one = shown(arms)
    assert len(one.strata) == 3
    assert counted(one) == (3, 3, True)
    assert wordings_of([one]).between
    assert counted(shown(arms[:4])) == (2, 2, False)


def test_texts_count_where_all_backends_ran_them() -> None:
    by_backend = {
        "m1": "abcx",
        "m2": "abxy",
    }
    arms = [
        measured_arm(n, practices=("clear",) * (n in "abc"), backend=backend)
        for backend, names in by_backend.items()
        for n in names
    ]
    found: Wordings = wordings_of([*shown_by_backend(joined(arms), "clear").values()])
    assert (found.with_it, found.without, found.drawn) == (2, 1, False)
