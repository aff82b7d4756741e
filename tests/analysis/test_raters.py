"""How far people agree, by what they said of the same outputs or pairs."""

from __future__ import annotations

import pytest

from promptlab.analysis.raters import agreement_among
from promptlab.core.ratings import Opinion, Rating, Verdict


def ratings(said: dict[str, str], kind: str = "outputs") -> list[Rating]:
    """Return one rating for each letter: of outputs p, f or a note alone; of pairs l, r, t."""
    words: dict[str, Verdict | None] = {"p": "pass", "f": "fail", "-": None}
    words |= {"l": "left", "r": "right", "t": "tie"}
    return [
        Rating(0, (2 * n,) if kind == "outputs" else (2 * n, 2 * n + 1), rater, f"{n}", opinion)
        for rater, letters in said.items()
        for n, letter in enumerate(letters)
        if letter != " "
        for opinion in [Opinion(words[letter], "a note")]
    ]


def test_two_raters_by_kappa_and_alpha() -> None:
    # The example of Cohen's kappa in every textbook: 20, 5, 10 and 15 of 50.
    ann = "p" * 25 + "f" * 25
    ben = "p" * 20 + "f" * 5 + "p" * 10 + "f" * 15
    found = agreement_among(ratings({"ann": ann, "ben": ben}), "outputs")
    [pair] = found.pairs
    assert (pair.a, pair.b, pair.n, pair.same) == ("ann", "ben", 50, 35)
    assert pair.kappa.value == pytest.approx(0.4)
    assert pair.kappa.ci is not None
    assert pair.kappa.ci[0] < 0.4 < pair.kappa.ci[1]
    assert list(pair.share or ()) == [
        pytest.approx(0.5625, abs=1e-3),
        pytest.approx(0.8090, abs=1e-3),
    ]
    # 1 - (n - 1)·2·15/(2·55·45), for 100 verdicts of which 55 pass.
    assert found.alpha.value == pytest.approx(1 - 99 * 30 / (2 * 55 * 45))
    assert [(each.rater, each.rated) for each in found.raters] == [("ann", 50), ("ben", 50)]
    assert found.raters[1].verdicts == {"pass": 30, "fail": 20}


def test_what_one_rater_alone_decided_says_nothing_of_agreement() -> None:
    found = agreement_among(ratings({"ann": "ppff", "ben": "p-  "}), "outputs")
    assert (found.units, found.pairs[0].n, found.pairs[0].same) == (1, 1, 1)
    alone = agreement_among(ratings({"ann": "ppff"}), "outputs")
    assert (alone.units, alone.alpha.value, alone.pairs) == (0, None, ())
    apart = agreement_among(ratings({"ann": "pp  ", "ben": "  ff"}), "outputs")
    assert (apart.units, apart.alpha.value, apart.pairs[0].kappa.value) == (0, None, None)


@pytest.mark.parametrize(
    ("ann", "ben", "known"),
    [
        ("pfpfpfpfp", "pfpfpfpff", False),  # 9 units
        ("pfpfpfpfpf", "pfpfpfpfff", True),
        ("pfpfpfpfpf", "pfpfpfpfpf", False),  # they never differ
    ],
)
def test_an_interval_says_no_more_than_the_units_show(ann: str, ben: str, known: bool) -> None:
    found = agreement_among(ratings({"ann": ann, "ben": ben}), "outputs")
    assert (found.alpha.ci is not None, found.pairs[0].kappa.ci is not None) == (known, known)
    assert found.alpha.value is not None


def test_of_pairs_the_same_output_counts_on_whichever_side() -> None:
    mirrored = [
        Rating(0, (1, 0), "ann", "1", Opinion("left")),
        Rating(0, (0, 1), "ben", "2", Opinion("right")),
        Rating(0, (2, 3), "ann", "3", Opinion("tie")),
        Rating(0, (3, 2), "ben", "4", Opinion("left")),
    ]
    found = agreement_among(mirrored, "pairs")
    assert (found.pairs[0].n, found.pairs[0].same) == (2, 1)
    assert found.raters[0].verdicts == {"left": 1, "tie": 1, "right": 0}
    assert agreement_among(mirrored, "outputs").raters == ()


def test_three_raters_each_two_by_two() -> None:
    found = agreement_among(ratings({"a": "lrtl", "b": "lrtr", "c": "lr  "}, "pairs"), "pairs")
    told = [(pair.a, pair.b, pair.n, pair.same) for pair in found.pairs]
    assert told == [("a", "b", 4, 3), ("a", "c", 2, 2), ("b", "c", 2, 2)]
    assert found.units == 4


def test_one_word_on_outputs_that_are_the_same_is_one_judgement() -> None:
    said = [
        Rating(0, (trial,), rater, at, Opinion("pass"))
        for rater in ("ann", "ben")
        for at, trials in (("1", (4, 2, 3)), ("2", (7,)))
        for trial in trials
    ]
    found = agreement_among(said, "outputs")
    assert (found.units, found.pairs[0].n, found.raters[0].rated) == (2, 2, 2)
