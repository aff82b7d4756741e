"""`promptlab practices`: the effects that it finds, prints and refuses to tell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Gold, Promptlab, query
from .drawn import lay_out, suite, version, write

SEVEN = ("clear", "context", "examples", "length", "reasoning", "role", "structure")
ABLATION = "design: ablation\n"
FACTORIAL = "design: factorial\n"


def block(practice: str, text: str) -> str:
    return f'{{% practice "{practice}" %}}{text}{{% endpractice %}}'


# Right on 10 of 40 cases; 16 more by being clear, 3 more with context; the examples are the same.
THREE = version(
    "0-9",
    block("clear", "And on 10-25, without fail. ")
    + block("context", "Also on 26-28. ")
    + block("examples", "Such as on 0-5."),
)


def of_many(practices: tuple[str, ...]) -> str:
    """Return a version of which each practice brings three cases, the first one twelve."""
    first, *others = practices
    texts = [block(first, "10-21 ")]
    texts += [block(name, f"{22 + 3 * at}-{24 + 3 * at} ") for at, name in enumerate(others)]
    return version("0-9", "".join(texts))


def echoes(*names: str) -> str:
    return "".join(f'[backends.{name}]\nkind = "echo"\n' for name in names)


def run(promptlab: Promptlab, *words: str) -> str:
    ran = promptlab("run", "task", "--json", *words)
    assert ran.code == 0, ran.err
    run_id: str = json.loads(ran.out)["run"]
    return run_id


def practices_json(promptlab: Promptlab, *words: str) -> dict[str, Any]:
    """Return the document of `practices --json`, in which no number may be NaN."""
    ran = promptlab("practices", "--json", *words)
    assert (ran.code, ran.err) == (0, "")
    document: dict[str, Any] = json.loads(ran.out, parse_constant=pytest.fail)
    return document


def effects(promptlab: Promptlab, *words: str) -> dict[str, dict[str, Any]]:
    return {one["practice"]: one for one in practices_json(promptlab, *words)["practices"]}


@pytest.mark.slow
def test_an_ablation(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    lay_out(project, {"v1": THREE}, suite(more=ABLATION))
    run(promptlab)
    ran = promptlab("practices")
    assert (ran.code, ran.err) == (0, "")
    assert "\x1b" not in ran.out
    gold("practices.txt", "an ablation", ran.out)
    by_practice = effects(promptlab)
    assert list(by_practice) == ["clear", "context", "examples"]
    clear = by_practice["clear"]
    assert (clear["scope"], clear["backend"], clear["design"]) == ("model", "echo", "ablation")
    assert (clear["with"], clear["without"]) == (["task@v1"], ["task@v1 -clear"])
    assert (clear["verdict"], clear["wordings"], clear["wins"]) == ("better", 1, 16)
    assert clear["delta"] == pytest.approx(16 / 40)
    assert clear["delta_tokens"] == 2 * len(["And", "on", "10-25,", "without", "fail."])
    assert by_practice["context"]["delta"] == pytest.approx(3 / 40)
    assert [by_practice[name]["verdict"] for name in ("context", "examples")] == ["refused"] * 2


@pytest.mark.slow
def test_a_practice_of_an_ablation_is_a_pair_of_the_family_of_compare(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, {"v1": THREE}, suite(more=ABLATION))
    run(promptlab)
    by_practice = effects(promptlab)
    raw = sorted(
        (one["p"], one["p_adjusted"]) for one in by_practice.values() if one["p"] is not None
    )
    assert [one["verdict"] for one in by_practice.values()].count("refused") == 2
    assert [adjusted for _, adjusted in raw] == pytest.approx([6 * raw[0][0]])


@pytest.mark.slow
def test_two_backends_are_reported_apart_and_together(
    project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    lay_out(project, {"v1": THREE}, suite(more=ABLATION))
    write(project, "promptlab.toml", echoes("small", "large"))
    run(promptlab, "-b", "small", "-b", "large")
    out = promptlab("practices").out
    assert max(map(len, out.splitlines())) <= 80
    gold("practices.txt", "an ablation on two backends", out)
    clear = [one for one in practices_json(promptlab)["practices"] if one["practice"] == "clear"]
    assert [(one["scope"], one["backend"]) for one in clear] == [
        ("model", "small"), ("model", "large"), ("these models", None), ("models in general", None),
    ]  # fmt: skip
    assert [one["verdict"] for one in clear] == ["better"] * 3 + ["refused"]
    assert clear[2]["delta"] == pytest.approx(16 / 40)
    assert clear[3]["reason"] == "2 backends, 1 model: at least 5 models are needed"
    assert (clear[3]["ci"], clear[3]["p"], clear[3]["models"]) == (None, None, None)


@pytest.mark.slow
def test_five_models_speak_for_others(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    """Each model is wrong on some more cases: those whose rank its name divides."""
    lay_out(project, {"v1": THREE}, suite(scorer="drawn_checks:by_model", more=ABLATION))
    names = ("3", "4", "5", "7", "11")
    backends = [f'[backends.m{name}]\nkind = "echo"\nmodel = "{name}"\n' for name in names]
    write(project, "promptlab.toml", "".join(backends))
    run(promptlab, *(word for name in names for word in ("-b", f"m{name}")))
    out = promptlab("practices").out
    assert max(map(len, out.splitlines())) <= 80
    gold("practices.txt", "five backends", out)
    *single, pooled, general = [
        one for one in practices_json(promptlab)["practices"] if one["practice"] == "clear"
    ]
    won = [sum(rank % int(name) != 0 for rank in range(10, 26)) for name in names]
    assert [one["wins"] for one in single] == won
    assert (pooled["scope"], pooled["backend"], pooled["n"]) == ("these models", None, 40)
    assert pooled["delta"] == pytest.approx(sum(won) / 5 / 40)
    assert (general["scope"], general["backend"]) == ("models in general", None)
    assert (general["method"], general["verdict"]) == ("random-effects", "better")
    assert general["models"]["models"] == 5
    assert min(won) / 40 < general["delta"] < max(won) / 40


@pytest.mark.slow
def test_a_full_factorial(project: Path, promptlab: Promptlab, gold: Gold) -> None:
    lay_out(project, {"v1": of_many(("clear", "context"))}, suite(more=FACTORIAL))
    run(promptlab)
    gold("practices.txt", "a full factorial", promptlab("practices").out)
    document = practices_json(promptlab)
    assert document["aliases"] == []
    clear, context = document["practices"]
    assert (clear["design"], len(clear["with"]), len(clear["without"])) == ("factorial", 2, 2)
    assert (clear["delta"], context["delta"]) == (pytest.approx(12 / 40), pytest.approx(3 / 40))
    assert clear["verdict"] == "better"


@pytest.mark.slow
@pytest.mark.parametrize("count", [5, 6, 7])
def test_a_fraction_of_a_factorial_shows_what_it_confounds(
    project: Path, promptlab: Promptlab, gold: Gold, count: int
) -> None:
    names = SEVEN[:count]
    lay_out(project, {"v1": of_many(names)}, suite(20, more=FACTORIAL))
    run(promptlab)
    if count == 7:
        out = promptlab("practices").out
        assert max(map(len, out.splitlines())) <= 80
        gold("practices.txt", "a fraction of a factorial of seven practices", out)
    document = practices_json(promptlab)
    assert [one["practice"] for one in document["practices"]] == list(names)
    assert {len(one["with"]) for one in document["practices"]} == {8}
    groups = {frozenset(map(tuple, group)) for group in document["aliases"]}
    assert groups == _confounded(project, names)
    assert [one["delta"] for one in document["practices"]][1:3] == [0, 0]  # beyond these cases


def _confounded(project: Path, names: tuple[str, ...]) -> set[frozenset[tuple[str, ...]]]:
    """Find from the arms that were run which products of two practices are the same."""
    offs = [json.loads(off) for (off,) in query(project, "SELECT off FROM run_arms")]
    assert len(offs) == 16
    signs: dict[tuple[int, ...], list[tuple[str, str]]] = {}
    for place, a in enumerate(names):
        for b in names[place + 1 :]:
            product = tuple((-1) ** ((a in off) + (b in off)) for off in offs)
            signs.setdefault(product, []).append((a, b))
    return {frozenset(pairs) for pairs in signs.values() if len(pairs) > 1}


@pytest.mark.slow
def test_versions_that_differ_in_one_practice(
    project: Path, promptlab: Promptlab, gold: Gold
) -> None:
    def tagged(practices: str, right: str, more: str = "") -> str:
        return f"---\npractices: [{practices}]\n---\n{version(right, more)}"

    versions = {
        "v1": version("0-9"),
        "v2": tagged("clear", "0-24", "Answer with one word."),
        "v3": tagged("clear, role", "0-3,5-26", "You are a clerk. Answer with one word."),
        "v4": tagged("clear", "0-22", "One word."),
    }
    lay_out(project, versions)
    run(promptlab)
    gold("practices.txt", "versions", promptlab("practices").out)
    by_practice = effects(promptlab)
    clear, role = by_practice["clear"], by_practice["role"]
    assert (clear["design"], clear["wordings"]) == ("versions", 2)
    assert set(clear["with"]) == {"task@v2", "task@v4"}
    assert clear["without"] == ["task@v1"]
    assert clear["delta"] == pytest.approx((15 + 13) / 2 / 40)
    assert role["without"] == ["task@v2", "task@v4"]
    assert (role["wordings"], role["wordings_without"]) == (1, 2)


@pytest.mark.slow
def test_the_versions_of_several_runs_are_joined(project: Path, promptlab: Promptlab) -> None:
    clear = f"---\npractices: [clear]\n---\n{version('0-24')}"
    lay_out(project, {"v1": version("0-9"), "v2": clear})
    runs = [run(promptlab, "-t", f"task@{label}") for label in ("v1", "v2")]
    document = practices_json(promptlab, *runs)
    assert document["run"] == runs
    assert [one["practice"] for one in document["practices"]] == ["clear"]


@pytest.mark.slow
def test_another_scorer_and_another_level(project: Path, promptlab: Promptlab) -> None:
    scorers = "drawn_checks:right\n  - drawn_checks:half"
    lay_out(project, {"v1": THREE}, suite(scorer=scorers, more=ABLATION))
    run(promptlab)
    document = practices_json(
        promptlab, "--scorer", "half", "--alpha", "0.02", "--min-effect", "0.05"
    )
    assert (document["scorer"], document["alpha"], document["min_effect"]) == ("half", 0.02, 0.05)
    by_practice = {one["practice"]: one for one in document["practices"]}
    clear = by_practice["clear"]
    assert (clear["verdict"], clear["delta"]) == ("undecided", pytest.approx(0.1))
    assert (clear["method"], clear["null"]) == ("paired-t+cubic", "better")
    assert (
        by_practice["context"]["verdict"] == "refused"
    )  # no case differs: 40 cannot tell so little
    out = promptlab("practices", "--scorer", "half").out
    assert "effect  interval" in out
    assert "points" not in out


@pytest.mark.slow
@pytest.mark.parametrize("columns", ["40", "60", "200"])
def test_no_line_is_wider_than_the_terminal(
    project: Path, promptlab: Promptlab, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(project, {"v1": THREE}, suite(20, more=ABLATION))
    write(project, "promptlab.toml", echoes("small", "a-model-of-a-rather-long-name"))
    run(promptlab, "-b", "small", "-b", "a-model-of-a-rather-long-name")
    monkeypatch.setenv("COLUMNS", columns)
    out = promptlab("practices").out
    assert max(map(len, out.splitlines())) <= int(columns)
    assert ("●" in out) is (columns == "200")


def test_mistakes(project: Path, promptlab: Promptlab) -> None:
    lay_out(project, {"v1": version("0-9"), "v2": version("0-19")})
    assert promptlab("practices").code == 2
    run(promptlab)
    ran = promptlab("practices")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "Error: no two arms differ in just one practice"
        " (run `design: ablation`, or versions that name their practices)\n"
    )
    assert "unknown scorer 'left'" in promptlab("practices", "--scorer", "left").err


@pytest.mark.slow
def test_the_other_scorers_are_a_family_of_their_own(project: Path, promptlab: Promptlab) -> None:
    """Wordings on both sides, so that no effect is a pair of arms."""
    texts = {f"v{n}": version(f"0-{9 + n}") for n in range(1, 4)}
    clear = {
        f"v{n}": f"---\npractices: [clear]\n---\n{version(f'0-{18 + n}')}" for n in range(4, 7)
    }
    scorers = "\n  - ".join(f"drawn_checks:{name}" for name in ("right", "half", "lucky"))
    lay_out(project, texts | clear, suite(scorer=scorers))
    run(promptlab)
    found = {}
    for scorer in ("right", "half", "lucky"):
        document = practices_json(promptlab, "--scorer", scorer)
        [found[scorer]] = document["practices"]
        assert document["secondary"] == (scorer != "right")
    assert found["right"]["family"]["size"] == 1
    assert found["half"]["family"] == found["lucky"]["family"] == {
        "question": "which practice on each model, by scorers beside the primary one", "size": 2,
    }  # fmt: skip
    assert found["right"]["p_family"] == found["right"]["p"]
    for scorer in ("half", "lucky"):  # Holm: the smaller one twice
        assert found[scorer]["p_family"] >= found[scorer]["p"]
    smaller = min(found["half"], found["lucky"], key=lambda row: float(row["p"]))
    assert smaller["p_family"] == pytest.approx(2 * smaller["p"])
    out = promptlab("practices", "--scorer", "half").out
    assert out.startswith("half (secondary): what each practice changes, 95 % for all 2 together")
    compared = promptlab("compare", "--scorer", "half").out
    assert "half (secondary) on echo, against v1" in compared


@pytest.mark.slow
def test_pairs_by_another_scorer_are_those_of_compare(project: Path, promptlab: Promptlab) -> None:
    scorers = "drawn_checks:right\n  - drawn_checks:half\n  - drawn_checks:judged"
    lay_out(project, {"v1": THREE}, suite(scorer=scorers, more=ABLATION))
    run(promptlab)
    clear = effects(promptlab, "--scorer", "half")["clear"]
    rows = json.loads(promptlab("compare", "--scorer", "half", "--json").out)["comparisons"]
    [row] = [row for row in rows if (row["a"], row["b"]) == ("task@v1", "task@v1 -clear")]
    assert clear["family"] == row["family"]
    assert clear["family"]["size"] == 2 * 6
    assert (clear["p"], clear["p_family"]) == pytest.approx((row["p"], row["p_family"]))
