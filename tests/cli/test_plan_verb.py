"""`promptlab plan`: before any call, after a pilot, and the mistakes that it tells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from .conftest import Promptlab, edit

SUITE = """\
templates: ["t@*"]
backends: [echo]
cases: cases.jsonl
scorers: ["mine:passed"]
"""

SCORER = """
from collections import Counter

seen = Counter()


def passed(sample):
    return sample.output.split()[0] == "1"


def nth(sample):
    name, _, passes = sample.output.partition(" ")
    seen[name] += 1
    return passes[seen[name] % len(passes)] == "1"
"""


@pytest.fixture
def planned(project: Path) -> Path:
    """Return a project whose three versions fail every second, third and fourth of 60 cases."""
    (project / "mine.py").write_text(SCORER)
    (project / "templates/t").mkdir()
    for version in (2, 3, 4):
        (project / f"templates/t/v{version}.j2").write_text(f"{{{{ s{version} }}}}")
    rows = [
        {"id": f"c{case}", **{f"s{v}": f"{int(case % v > 0)} v{v} {case}" for v in (2, 3, 4)}}
        for case in range(60)
    ]
    written(project, rows)
    (project / "suites/s.yaml").write_text(SUITE)
    return project


def written(project: Path, rows: Sequence[dict[str, Any]]) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (project / "suites/cases.jsonl").write_text(lines)


def plan(promptlab: Promptlab, *words: str, suite: str = "s") -> dict[str, Any]:
    ran = promptlab("plan", suite, "--json", *words)
    assert ran.code == 0, ran.err
    document: dict[str, Any] = json.loads(ran.out)
    return document


def test_before_anything_was_measured(planned: Path, promptlab: Promptlab) -> None:
    found = plan(promptlab)
    assert found["family"] == {"question": "which version", "size": 3}
    assert (found["assumed_share"], found["pilot"]) == (0.3, None)
    assert (found["cases"], found["groups"], found["calls"]) == (60, None, 180)
    # ((z(1 - .05/6)·√.3 + z(.8)·√(.3 - .0025))/.05)² = 1253.3
    assert found["cases_needed"] == 1254
    # (t(1 - .05/6, 59) + t(.8, 59))·√(.3/60)
    assert found["detectable"] == pytest.approx(0.23418743)
    assert found["power"] < 0.05
    assert found["needed"]["calls"] == 1254 * 3
    shown = promptlab("plan", "s").out
    assert shown.startswith("60 cases can show 23 points in a family of 3; 5 points need 1,254.")
    assert not (planned / "promptlab.db").exists()


@pytest.mark.slow
def test_a_pilot_tells_how_much_cases_differ(planned: Path, promptlab: Promptlab) -> None:
    promptlab("run", "s")
    found = plan(promptlab)
    assert (found["assumed_share"], found["pilot"]["cases"]) == (None, 60)
    by_pair = {row["pair"]: row for row in found["comparisons"]}
    assert {pair: row["differ"] for pair, row in by_pair.items()} == {
        "t@v3 against t@v2": 30,
        "t@v4 against t@v2": 15,
        "t@v4 against t@v3": 25,
    }
    # The widest pair counts, at the upper limit of its share.
    widest = by_pair["t@v3 against t@v2"]
    assert widest["upper"] == pytest.approx(0.56215724)
    assert found["cases_needed"] == widest["cases_needed"] == 2352
    assert "30 of 60 cases differ" in " ".join(promptlab("plan", "s").out.split())
    # What a later run of two of them needs rests on the same run.
    two = plan(promptlab, "-t", "t@v2", "-t", "t@v4")
    assert [row["differ"] for row in two["comparisons"]] == [15]
    assert two["family"]["size"] == 1


@pytest.mark.slow
def test_it_never_tells_which_is_better(planned: Path, promptlab: Promptlab) -> None:
    promptlab("run", "s")
    text = json.dumps(plan(promptlab))
    assert not any(word in text for word in ("delta", "won", "lost", "mean", '"p"', "verdict"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "size"),
    [
        ((), 3),
        (("--baseline", "v3"), 2),
        (("-b", "echo", "-b", "other"), 9),
        (("-b", "echo", "-b", "other", "--baseline", "t@v3"), 6),
        (("-t", "t@v2", "-t", "t@v3"), 1),
    ],
)
def test_the_family_is_that_of_compare(
    planned: Path, promptlab: Promptlab, words: tuple[str, ...], size: int
) -> None:
    (planned / "promptlab.toml").write_text('[backends.other]\nkind = "echo"\nmodel = "b"\n')
    assert plan(promptlab, *words)["family"]["size"] == size
    baseline = words[words.index("--baseline") :] if "--baseline" in words else ()
    promptlab("run", "s", *words[: len(words) - len(baseline)])
    rows = json.loads(promptlab("compare", "--json", *baseline).out)["comparisons"]
    assert len(rows) == size


def test_one_version_on_several_backends(planned: Path, promptlab: Promptlab) -> None:
    (planned / "promptlab.toml").write_text('[backends.other]\nkind = "echo"\nmodel = "b"\n')
    words = ("-t", "t@v2", "-b", "echo", "-b", "other")
    assert plan(promptlab, *words)["family"] == {"question": "which backend", "size": 1}


def test_one_arm_alone(planned: Path, promptlab: Promptlab) -> None:
    found = plan(promptlab, "-t", "t@v2")
    assert (found["family"]["size"], found["detectable"], found["cases_needed"]) == (0, None, None)
    assert found["half_width"] == pytest.approx(0.1227, abs=1e-4)  # Wilson's of 30 of 60
    assert "nothing is compared" in promptlab("plan", "s", "-t", "t@v2").out


def test_stopping_early_takes_half_of_the_level(planned: Path, promptlab: Promptlab) -> None:
    early = plan(promptlab, "--until-decided", "-t", "t@v2", "-t", "t@v3")
    once = plan(promptlab, "--alpha", "0.025", "-t", "t@v2", "-t", "t@v3")
    assert early["level"] == once["level"] == 0.025
    assert early["cases_needed"] == once["cases_needed"]
    assert early["until_decided"]
    assert plan(promptlab, "--until-decided", "--baseline", "v4")["family"]["size"] == 2


def test_the_smallest_effect_of_the_project(planned: Path, promptlab: Promptlab) -> None:
    (planned / "promptlab.toml").write_text("[compare]\nmin_effect = 0.05\n")
    found = plan(promptlab, "-t", "t@v2", "-t", "t@v3")
    assert (found["min_effect"], found["effect"]) == (0.05, 0.1)
    assert found["cases_needed"] == 933  # beyond 5 points: (1.96·√.3 + .8416·√.29)²/.05²
    ran = promptlab("plan", "s", "--effect", "0.05")
    assert ran.code == 2
    assert "is not beyond the smallest effect that matters, 0.05" in ran.err


@pytest.mark.slow
def test_groups_are_counted_as_groups_and_as_cases(planned: Path, promptlab: Promptlab) -> None:
    lines = (planned / "suites/cases.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    written(planned, [{**row, "group": f"d{place // 5}"} for place, row in enumerate(rows)])
    before = plan(promptlab)
    assert before["groups"] == 12
    assert before["cases_needed"] == before["groups_needed"] * 5
    assert "turn together" in " ".join(before["text"])
    promptlab("run", "s")
    after = plan(promptlab)
    assert after["comparisons"][0]["kind"] == "groups"
    assert after["groups_needed"] < before["groups_needed"]
    assert f"{after['groups_needed']:,} groups" in " ".join(promptlab("plan", "s").out.split())


@pytest.mark.slow
def test_repeats_tell_where_the_next_call_buys_most(planned: Path, promptlab: Promptlab) -> None:
    edit(planned / "suites/s.yaml", "mine:passed", "mine:nth")
    edit(planned / "suites/s.yaml", "backends", "sampling: {temperature: 1}\nbackends")
    draws = ("1101", "0011", "0101", "1000", "1111", "0000")
    rows = [
        {"id": f"c{n}", **{f"s{v}": f"v{v}-{n} {draws[n * v % 6]}" for v in (2, 3, 4)}}
        for n in range(60)
    ]
    written(planned, rows)
    promptlab("run", "s")
    once = plan(promptlab)
    assert once["variance"] is None
    assert "--repeats 2 tells" in " ".join(once["text"])
    promptlab("run", "s", "--repeats", "4")
    four = plan(promptlab, "--repeats", "4", "--case-cost", "40")
    shares = {source["name"]: source["share"] for source in four["variance"]["sources"]}
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) > 0.3
    assert four["variance"]["best_repeats"] > 1
    # The same pilot says what single answers would need: more.
    single = plan(promptlab, "--repeats", "1")
    assert single["pilot"]["repeats"] == 4
    assert single["cases_needed"] > four["cases_needed"]


@pytest.mark.slow
@pytest.mark.parametrize(("design", "arms"), [("ablation", 3), ("factorial", 4)])
def test_a_design_asks_for_practices(
    planned: Path, promptlab: Promptlab, design: str, arms: int
) -> None:
    text = (
        '{% practice "clear" %}1{% endpractice %}{% practice "role" %} 0{% endpractice %} {{ s2 }}'
    )
    (planned / "templates/p").mkdir()
    (planned / "templates/p/v1.j2").write_text(text)
    suite = SUITE.replace("t@*", "p") + f"design: {design}\n"
    (planned / "suites/p.yaml").write_text(suite)
    before = plan(promptlab, suite="p")
    assert before["family"] == {"question": "which practice", "size": 2}
    assert len(before["arms"]) == arms
    assert before["wordings"] == {"clear": 1, "role": 1}
    assert "takes 3 wordings of it (clear 1, role 1)" in " ".join(before["text"])
    promptlab("run", "p")
    pairs = [row["pair"] for row in plan(promptlab, suite="p")["comparisons"]]
    assert pairs in (["with clear against without clear"], [
        "with clear against without clear", "with role against without role",
    ])  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--effect", "5"), "5 points are 0.05"),
        (("--effect", "0"), "x>0"),
        (("--baseline", "v9"), "v9"),
        (("--baseline", "t@v4", "-t", "t@v2", "-t", "t@v3"), "is not part of this plan"),
        (("--case-cost", "-1"), "x>=0"),
    ],
)
def test_mistakes(planned: Path, promptlab: Promptlab, words: tuple[str, ...], said: str) -> None:
    ran = promptlab("plan", "s", *words)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.slow
def test_numbers_without_a_scale_need_an_effect(planned: Path, promptlab: Promptlab) -> None:
    (planned / "mine.py").write_text(
        "def passed(sample):\n    return 5.0 * int(sample.output[0]) + len(sample.output)\n"
    )
    promptlab("run", "s")
    ran = promptlab("plan", "s")
    assert ran.code == 2
    assert "which difference matters? (name it: --effect 0.5)" in ran.err
    found = plan(promptlab, "--effect", "3")
    assert found["comparisons"][0]["kind"] == "numbers"
    assert found["cases_needed"] > 3
    assert "3 needs" in promptlab("plan", "s", "--effect", "3").out


def test_cost_grows_with_the_cases(planned: Path, promptlab: Promptlab) -> None:
    (planned / "promptlab.toml").write_text('[backends.paid]\nkind = "echo"\nprice = 10000\n')
    words = ("-b", "paid", "-t", "t@v2", "-t", "t@v3")
    found = plan(promptlab, *words)
    [low, high] = found["cost_usd"]
    assert 0 < low < high
    times = found["cases_needed"] / 60
    assert found["needed"]["calls"] == found["cases_needed"] * 2
    assert found["needed"]["cost_usd"] == pytest.approx([low * times, high * times], rel=0.2)
    assert "would take" in promptlab("plan", "s", *words).out


@pytest.mark.slow
def test_it_fits_on_one_screen(planned: Path, promptlab: Promptlab) -> None:
    for version in range(5, 12):
        (planned / f"templates/t/v{version}.j2").write_text(f"{{{{ s2 }}}} {version}")
    promptlab("run", "s")
    shown = promptlab("plan", "s").out
    assert "more, listed by --json" in shown
    assert len(shown.splitlines()) <= 23
    assert max(map(len, shown.splitlines())) <= 80
