from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.errors import PromptlabError
from promptlab.core.types import BackendSpec, Case, Plan, Sampling, ScorerSpec
from promptlab.experiments.plan import Selection, in_holdout, make_plan
from promptlab.experiments.sample import shuffled
from promptlab.experiments.suite import load_suite
from promptlab.templates.library import TemplateLibrary

Write = Callable[[str, str], Path]
MakePlan = Callable[..., Plan]

BACKENDS = tuple(
    BackendSpec(name, "echo", None, {}, {"kind": "echo"}, f"b2:{name}") for name in ("one", "two")
)
SCORERS = tuple(ScorerSpec(label, label, "1", {}) for label in ("exact_match", "length"))
SUITE = """
templates: ["mood@v1..v2"]
backends: [one]
cases:
  - {id: a, q: 1, group: g1, tags: [easy]}
  - {id: b, q: 2, group: g1, tags: [hard]}
  - {id: c, q: 3, group: g2, tags: [hard, long]}
scorers: [exact_match, length]
sampling: {temperature: 0.5, max_tokens: 99}
"""


@pytest.fixture
def plan_of(write: Write, project: Path) -> MakePlan:
    write("templates/mood/v1.j2", "Mood? {{ q }}")
    write("templates/mood/v2.j2", "---\nsampling: {max_tokens: 8}\n---\nWhich mood? {{ q }}")
    write(
        "templates/parts/v1.j2",
        "---\npractices: [clear]\n---\n"
        '{% practice "role" %}{% system %}S{% endsystem %}{% endpractice %}'
        '{% user %}Q{% practice "context" %} C{% endpractice %}{% enduser %}{% generate draft %}',
    )

    def make(
        text: str = SUITE,
        selection: Selection | None = None,
        backends: Sequence[BackendSpec] = BACKENDS[:1],
    ) -> Plan:
        write("suites/s.yaml", text)
        suite = load_suite(project / "suites", "s")
        library = TemplateLibrary(project / "templates")
        plan, templates = make_plan(suite, library, backends, SCORERS, selection or Selection())
        assert set(templates) == {arm.digest for arm in plan.arms}
        return plan

    return make


def mistake(action: Callable[[], object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        action()
    return str(caught.value)


# Arms and their sampling


def test_every_version_meets_every_backend(plan_of: MakePlan) -> None:
    plan = plan_of(backends=BACKENDS)
    assert [arm.label for arm in plan.arms] == [
        "mood@v1 on one", "mood@v2 on one", "mood@v1 on two", "mood@v2 on two",
    ]  # fmt: skip
    assert plan.size == 4 * 3
    assert [(t.version, t.digest) for t in plan.templates] == [
        (arm.version, arm.digest) for arm in plan.arms[:2]
    ]
    first = [plan.trial(seq) for seq in range(4)]
    assert {trial.case for trial in first} == {0}


def test_a_template_goes_before_the_suite_in_sampling(plan_of: MakePlan) -> None:
    assert tuple(arm.sampling for arm in plan_of().arms) == (
        Sampling(temperature=0.5, max_tokens=99),
        Sampling(temperature=0.5, max_tokens=8),
    )


def test_a_version_named_twice_is_one_arm(plan_of: MakePlan) -> None:
    plan = plan_of(SUITE.replace('"mood@v1..v2"', '"mood@v2", "mood", "mood@*"'))
    assert [arm.prompt for arm in plan.arms] == ["mood@v2", "mood@v1"]


def test_a_version_without_practices_runs_as_it_is_in_an_ablation(plan_of: MakePlan) -> None:
    plan = plan_of(SUITE.replace('"mood@v1..v2"', "mood@v1, parts") + "design: ablation\n")
    prompts = [arm.prompt for arm in plan.arms]
    assert prompts[0] == "mood@v1"
    assert {prompt.partition(" ")[0] for prompt in prompts[1:]} == {"parts@v1"}
    assert len(prompts) > 2


def test_an_ablation_takes_each_marked_practice_away(plan_of: MakePlan) -> None:
    plan = plan_of(SUITE.replace("mood@v1..v2", "parts") + "design: ablation\n")
    assert [(arm.off, arm.practices) for arm in plan.arms] == [
        ((), ("clear", "context", "role")),
        (("context",), ("clear", "role")),
        (("role",), ("clear", "context")),
    ]


def test_a_factorial_design_takes_all_combinations(plan_of: MakePlan) -> None:
    plan = plan_of(SUITE.replace("mood@v1..v2", "parts") + "design: factorial\n")
    assert [arm.off for arm in plan.arms] == [(), ("context",), ("role",), ("context", "role")]


def test_a_suite_says_what_is_run(plan_of: MakePlan) -> None:
    plan = plan_of(SUITE.replace("mood@v1..v2", "parts") + "grade: draft\nrepeats: 3\nseed: 5\n")
    assert (plan.grade, plan.repeats, plan.seed, plan.primary) == ("draft", 3, 5, "exact_match")
    assert plan_of(SUITE + "primary: length\n").primary == "length"


def test_the_command_line_goes_before_the_suite(plan_of: MakePlan) -> None:
    selection = Selection(
        templates=("mood@v1",), limit=2, repeats=2, seed=6, params={"tone": "dry"}
    )
    plan = plan_of(SUITE + "repeats: 3\nseed: 5\n", selection)
    assert [arm.prompt for arm in plan.arms] == ["mood@v1"]
    assert [case.id for case in plan.cases] == ["a", "b"]
    assert (plan.repeats, plan.seed, plan.sample_of) == (2, 6, 3)
    assert [case.vars["tone"] for case in plan.cases] == ["dry", "dry"]


def test_a_parameter_makes_another_case_of_the_same_id(plan_of: MakePlan) -> None:
    plain, dry = plan_of(SUITE), plan_of(SUITE, Selection(params={"tone": "dry"}))
    assert [case.id for case in plain.cases] == [case.id for case in dry.cases]
    assert not {case.digest for case in plain.cases} & {case.digest for case in dry.cases}


def test_a_parameter_has_the_type_that_a_template_declares(
    plan_of: MakePlan, write: Callable[[str, str], Path]
) -> None:
    write("templates/typed/v1.j2", "---\ninputs: {n: integer}\n---\n{{ n + 1 }} {{ tone }}")
    selection = Selection(params={"n": "3", "tone": "3"})
    plan = plan_of(SUITE.replace("mood@v1..v2", "typed"), selection)
    assert {(case.vars["n"], case.vars["tone"]) for case in plan.cases} == {(3, "3")}


# Cases


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), "abc"),
        (Selection(case_ids=("c", "a")), "ac"),
        (Selection(tags=("hard",)), "bc"),
        (Selection(tags=("easy", "long")), "ac"),
        (Selection(limit=99), "abc"),
    ],
)
def test_cases_are_chosen_in_the_order_of_their_file(
    plan_of: MakePlan, selection: Selection, ids: str
) -> None:
    assert [case.id for case in plan_of(selection=selection).cases] == list(ids)


def many_cases(count: int) -> str:
    rows = (f"  - {{id: c{n}, q: {n}, group: g{n // 2}}}" for n in range(count))
    start, _, rest = SUITE.partition("  - ")
    return start + "\n".join(rows) + "\nscorers" + rest.partition("scorers")[2]


def split_of(plan_of: MakePlan, text: str, split: str) -> set[str]:
    selection = Selection(split=split)  # type: ignore[arg-type] # one of the three
    return {case.id for case in plan_of(text, selection).cases}


def test_the_holdout_is_apart_complete_and_keeps_groups_together(plan_of: MakePlan) -> None:
    text = many_cases(100) + "holdout: 0.4\n"
    dev, holdout = split_of(plan_of, text, "dev"), split_of(plan_of, text, "holdout")
    assert dev.isdisjoint(holdout)
    assert dev | holdout == split_of(plan_of, text, "all")
    assert 20 <= len(holdout) <= 60
    for group in range(50):
        assert (f"c{2 * group}" in dev) == (f"c{2 * group + 1}" in dev)
    assert {case.id for case in plan_of(text).cases} == dev  # what is run by default


def test_more_cases_move_no_other_across_the_border(plan_of: MakePlan) -> None:
    few = split_of(plan_of, many_cases(40) + "holdout: 0.5\n", "holdout")
    many = split_of(plan_of, many_cases(80) + "holdout: 0.5\n", "holdout")
    assert few == many & {f"c{n}" for n in range(40)}


def test_the_seed_of_the_suite_draws_the_holdout(plan_of: MakePlan) -> None:
    text = many_cases(60) + "holdout: 0.5\n"
    assert split_of(plan_of, text, "dev") != split_of(plan_of, text + "seed: 1\n", "dev")
    other_run = plan_of(text, Selection(seed=7))  # other samples, but the same cases
    assert {case.id for case in other_run.cases} == split_of(plan_of, text, "dev")


def test_draws_are_what_they_were() -> None:
    # As the previous version drew them: other draws would move cases of suites that were run.
    cases = [
        Case(f"c{n}", {}, None, (), f"g{n // 2}" if n < 4 else None, f"b2:{n}") for n in range(8)
    ]
    assert [case.id for case in cases if in_holdout(case, 0.5, 3)] == ["c0", "c1"]
    order = ["c2", "c3", "c5", "c4", "c6", "c0", "c1", "c7"]
    assert [case.id for case in shuffled(cases, 3)] == order


def test_a_case_called_as_a_group_is_not_shuffled_into_it() -> None:
    first, last = (Case(name, {}, None, (), "g", f"b2:{name}") for name in "ab")
    lone = Case("g", {}, None, (), None, "b2:g")
    order = [case.id for case in shuffled([first, lone, last], 0)]
    assert order.index("b") == order.index("a") + 1


def test_a_case_asked_for_by_id_is_run_wherever_it_lies(plan_of: MakePlan) -> None:
    text = many_cases(20) + "holdout: 0.5\n"
    (kept, *_) = split_of(plan_of, text, "holdout")
    assert [case.id for case in plan_of(text, Selection(case_ids=(kept,))).cases] == [kept]


@given(st.text(), st.integers(0, 2**31 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_holdout_holds_the_smaller(group: str, seed: int, one: float, two: float) -> None:
    case = Case("a", {}, None, (), group, "b2:0")
    small, large = sorted((one, two))
    assert in_holdout(case, large, seed) or not in_holdout(case, small, seed)
    assert not in_holdout(case, 0, seed)
    assert in_holdout(case, 1, seed)


def test_the_share_of_the_holdout_is_kept() -> None:
    cases = [Case(str(n), {}, None, (), None, "b2:0") for n in range(4000)]
    counts = Counter(in_holdout(case, 0.3, 0) for case in cases)
    assert 1080 <= counts[True] <= 1320  # four standard errors on either side


# Mistakes


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mood@v1..v2", "mod", "suites/s.yaml:2: templates.0: unknown template 'mod' (did you mea"),
        ("mood@v1..v2", "mood@v7", "suites/s.yaml:2: templates.0: unknown version 'v7' of mood"),
        ("seed: 0", "primary: exact", "suites/s.yaml:10: primary: unknown scorer 'exact' (did you"),
        ("seed: 0", "grade: draft",
         "suites/s.yaml:10: grade: mood@v1 gives no answer named 'draft' (it gives: an unnamed on"),
        ("seed: 0", "design: ablation", "suites/s.yaml:10: design: design ablation needs "),
        ("mood@v1..v2", "parts@v1\", \"mood@v1..v2", None),
    ],
)  # fmt: skip
def test_mistakes_of_the_suite_are_reported(
    plan_of: MakePlan, old: str, new: str, message: str | None
) -> None:
    text = (SUITE + "seed: 0\n").replace(old, new)
    if message is None:
        assert len(plan_of(text).arms) == 3
    else:
        assert mistake(lambda: plan_of(text)).startswith(message)


def test_a_wrong_answer_to_grade_is_reported_with_the_known_ones(plan_of: MakePlan) -> None:
    text = SUITE.replace("mood@v1..v2", "parts") + "grade: final\n"
    assert mistake(lambda: plan_of(text)).endswith(
        "parts@v1 gives no answer named 'final' (it gives: draft)"
    )


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(templates=("mod",)),
         "-t mod: unknown template or version 'mod' (did you mean 'mood'?)"),
        (Selection(case_ids=("x",)), "unknown case 'x' of suite s (known: a, b, c)"),
        (Selection(tags=("hrad",)), "unknown tag 'hrad' of suite s (did you mean 'hard'?)"),
        (Selection(split="holdout"),
         "no case of suite s is left in the split holdout (widen --case, --tag, --split or the su"),
        (Selection(limit=0), "no case of suite s is left"),
    ],
)  # fmt: skip
def test_mistakes_of_the_command_line_are_reported(
    plan_of: MakePlan, selection: Selection, message: str
) -> None:
    assert mistake(lambda: plan_of(selection=selection)).startswith(message)
