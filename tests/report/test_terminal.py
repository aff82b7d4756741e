from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.cells import cell_len

from promptlab.core.prices import TokenRange
from promptlab.core.results import RunLoss, RunResults
from promptlab.core.runs import RunSettings
from promptlab.core.types import (
    Completion,
    Image,
    Likelihood,
    Message,
    Outcome,
    Request,
    Sampling,
    Turn,
)
from promptlab.report.terminal.run import print_run
from promptlab.report.terminal.runs import print_forecast, print_runs
from promptlab.report.terminal.screen import Screen
from promptlab.report.terminal.trial import (
    print_messages,
    print_result,
    print_tracebacks,
    print_turns,
)
from promptlab.report.views.forecast import forecast_view
from promptlab.report.views.run import RunView, run_view
from promptlab.report.views.runs import loss_line, runs_view
from promptlab.report.views.trial import conversation_view, trial_view
from promptlab.runner.forecast import CallForecast, Forecast

from .conftest import (
    Printed,
    build_info,
    build_outcomes,
    build_plan,
    build_result,
    build_scores,
    build_view,
)


def crowded(cost: float | None = 0.001234) -> RunView:
    """Return a run with every outcome, and many trials of each."""
    counts = {"ok": 70_000, "truncated": 10_000, "refused": 5_000, "empty": 5_000, "error": 10_000}
    outcomes = [build_outcomes(arm, cost, **counts) for arm in range(4)]
    means = [0.0, 0.5, 1.0, None]
    scores = [build_scores(arm, "exact_match", mean, passes=0) for arm, mean in enumerate(means)]
    return build_view(outcomes, scores)


def test_rates_are_drawn_from_0_to_100_percent(printed: Printed) -> None:
    scores = [
        build_scores(0, "exact_match", 0.0, passes=0),
        build_scores(1, "exact_match", 0.75, passes=75),
        build_scores(0, "length", 12.5),
        build_scores(1, "length", 1234.5678),
    ]
    view = build_view([build_outcomes(0, ok=100), build_outcomes(1, ok=100)], scores)
    assert printed(print_run, view) == snapshot("""\
exact_match (primary)
arm                      n     mean   95 % interval    0 %       100 %
──────────────────────────────────────────────────────────────────────
sentiment@v1           100    0.0 %   0.0 to 3.7 %     ●─·············
sentiment@v2 (clear)   100   75.0 %   65.7 to 82.5 %   ·········─●──··

length
arm                      n   mean   95 % interval
─────────────────────────────────────────────────
sentiment@v1           100   12.5   12.4 to 12.6
sentiment@v2 (clear)   100   1235   1234 to 1235

Outcomes, and a trial's mean
arm                    trials    ok   tokens in   out   latency s
─────────────────────────────────────────────────────────────────
sentiment@v1              100   100       1,234     -       12.34
sentiment@v2 (clear)      100   100       1,234     -       12.34

""")


def test_what_is_not_scored_yet_is_reported(printed: Printed) -> None:
    text = printed(print_run, build_view([build_outcomes(0, error=2)], []))
    assert text.startswith("exact_match (primary): nothing is scored yet\n\nlength: nothing is")


def test_numbers_have_no_drawing(printed: Printed) -> None:
    scores = [build_scores(0, "length", 1234.5678), build_scores(1, "length", None, n=0)]
    view = build_view([build_outcomes(0, ok=100), build_outcomes(1, error=100)], scores)
    text = printed(print_run, view)
    assert "0 %" not in text
    assert "1235" in text
    assert "sentiment@v2 (clear)     0      -   -" in text


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("cost", [None, 0.001234])
def test_the_fullest_run_fits_and_loses_nothing(
    printed: Printed, width: int, cost: float | None
) -> None:
    text = printed(print_run, crowded(cost), width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for word in ("truncated", "refused", "empty", "error", "100000", "70000", "1,234", "12.34"):
        assert word in text
    assert ("0.001234" in text) is (cost is not None)
    assert "v4" in text


def test_the_drawing_is_left_out_where_there_is_no_room(printed: Printed) -> None:
    assert "●" in printed(print_run, crowded(), width=80)
    assert "●" not in printed(print_run, crowded(), width=60)


def test_scores_that_failed_and_cases_in_groups_are_reported(printed: Printed) -> None:
    score = replace(build_scores(0, "length", 3.0), failed=1, n_groups=7)
    text = printed(print_run, build_view([build_outcomes(0, ok=101)], [score]))
    assert "length failed on 1 output: `show --errors --full` shows why" in text
    assert "The cases come in groups: these intervals allow for it." in text


def test_practices_that_look_like_markup_are_text(printed: Printed) -> None:
    view = crowded()
    arm = replace(view.plan.arms[0], practices=("[bold]",))
    plan = replace(view.plan, arms=(arm, *view.plan.arms[1:]))
    view = run_view(RunResults(view.run, plan, [build_outcomes(0, ok=1)], []))
    assert "([bold])" in printed(print_run, view)


def test_a_forecast(printed: Printed) -> None:
    arms = [
        CallForecast(100, 300, 40, 12_345, exact=False),
        CallForecast(100, 100, 100, 0),
        CallForecast(100, 100, 0, None, exact=False, input_tokens=TokenRange(900, 3_600)),
    ]
    plan = replace(build_plan(arms=3), cases=(), repeats=1)
    assert printed(print_forecast, forecast_view(plan, Forecast(arms), {})) == snapshot("""\
Plan of sentiment
arm                       trials   calls   stored   prompt tokens
─────────────────────────────────────────────────────────────────
sentiment@v1 on smollm2      100     300       40    about 12,345
sentiment@v2 on smollm2      100     100      100               0
sentiment@v3 on smollm2      100     100        0    900 to 3,600

0 trials (3 arms x 0 cases x 1 repeat), 500 model calls, 140 answered by the
store.
""")


def test_a_list_of_runs(printed: Printed) -> None:
    finished = build_info([build_outcomes(0, ok=90, truncated=7, error=3)])
    halted = replace(finished, status="interrupted", trials=400, suite="a" * 30)
    text = printed(print_runs, runs_view([finished, halted]))
    assert max(map(len, text.splitlines())) <= 80
    assert text == snapshot("""\
run                    suite                                trials   outcomes
────────────────────────────────────────────────────────────────────────────────
20260101-000000-beef   sentiment                               100   ok 90,
                                                                     truncated
                                                                     7, error 3
20260101-000000-beef   aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa   100 of 400   ok 90,
                                                                     truncated
                                                                     7, error 3
""")


@pytest.mark.parametrize("letter", ["a", "字", "a b "])
def test_a_long_label_is_shortened_before_columns_are_left_out(
    printed: Printed, letter: str
) -> None:
    info = replace(
        build_info([build_outcomes(0, ok=9)]), templates=("t@v1", "t@v2"), backends=("echo",)
    )
    label = (letter * 60)[:60]
    long = replace(info, settings=RunSettings(label=label))
    short = replace(info, settings=RunSettings(label="short"))
    text = printed(print_runs, runs_view([long, short]))
    assert max(map(cell_len, text.splitlines())) <= 80
    assert len(text.splitlines()) == 4
    assert ("label" in text, "short" in text, text.count("v1, v2 on echo")) == (True, True, 2)
    assert label[:2] in text
    assert label not in text
    line = loss_line(RunLoss(long, 9, 9, 0, 9))
    assert f"({label[:20].rstrip()}" in line
    assert "...)" in line


def test_a_result_is_one_trial_with_what_each_scorer_says(printed: Printed) -> None:
    rows = [
        build_result(repeat=1, output="line 1\nline 2\nline 3\nline 4"),
        build_result(scorer="polite", passed=False, score=0.0, reason="has no 'please'"),
        build_result(scorer="size", passed=None, score=0.123456),
        build_result(scorer="broken", passed=None, score=None, error="ValueError: no"),
    ]
    assert printed(print_result, trial_view(rows), full=False) == snapshot("""\
c1 #2  t@v1 on echo  ok
  line 1
  line 2
  line 3 ...
  exact_match: pass
  polite: FAIL, has no 'please'
  size: 0.1235
  broken: ValueError: no

""")


def test_the_error_of_a_trial_is_reported_once(printed: Printed) -> None:
    rows = [
        build_result(outcome=Outcome.ERROR, scorer=scorer, score=None, output=None, error="down")
        for scorer in ("exact_match", "length")
    ]
    assert (
        printed(print_result, trial_view(rows), full=False)
        == "c1  t@v1 on echo  error\n  error: down\n\n"
    )


@given(output=st.text(max_size=2000))
def test_an_output_of_a_list_is_short(output: str) -> None:
    stream = StringIO()  # hypothesis needs a new one for every output
    console = Screen(stream, 80, color_system=None)
    print_result(console, trial_view([build_result(output=output)]), full=False)
    assert len(stream.getvalue().split("\n")) <= 12


def test_a_conversation_shows_each_message_once(printed: Printed) -> None:
    first = (Message("system", "Be [kind]."), Message("user", "Draft."))
    second = (*first, Message("assistant", "Dear"), Message("user", "Mend."))
    turns = [
        Turn("draft", Request("a", first, Sampling()), Completion(Outcome.OK, "Dear"), False),
        Turn("answer", Request("b", second, Sampling()),
             Completion(Outcome.ERROR, error="the server is down"), False),
    ]  # fmt: skip
    assert printed(print_turns, conversation_view(turns)) == snapshot("""\
system
  Be [kind].
user
  Draft.
draft (ok)
  Dear
user
  Mend.
answer (error)
  the server is down

""")


def test_answers_that_were_weighed_are_listed(printed: Printed) -> None:
    asked = Request("a", (Message("user", "Which?"),), Sampling(), None, (" yes", " [no]"))
    likelihoods = (Likelihood(-12.34567, 2, greedy=False), Likelihood(-0.5, 1, greedy=True))
    turn = Turn(
        "answer", asked, Completion(Outcome.OK, " [no]", likelihoods=likelihoods), cached=False
    )
    assert printed(print_turns, conversation_view([turn])) == snapshot("""\
user
  Which?
answer (log-probability of each answer)
   -12.3457  ' yes', 2 tokens
    -0.5000  ' [no]', 1 token <- likeliest

""")


def test_messages_stand_under_their_role(printed: Printed) -> None:
    messages = [Message("user", "one\ntwo"), Message("assistant", "")]
    assert printed(print_messages, messages) == "user\n  one\n  two\nassistant\n\n"


def test_images_are_named_where_they_stand(printed: Printed) -> None:
    photo = Image("a/[b].png", "image/png", "b2:0")
    messages = [
        Message("system", "Look."),
        Message("user", ("Is this\nthe same:", photo, photo, "Yes?")),
    ]
    assert printed(print_messages, messages) == snapshot("""\
system
  Look.
user
  Is this
  the same:
  [image a/[b].png]
  [image a/[b].png]
  Yes?
""")


def test_tracebacks_stand_under_their_scorer(printed: Printed) -> None:
    text = printed(print_tracebacks, {"polite": "Traceback:\n  in polite\nKeyError: 'x'\n"})
    assert text == "polite raised\n  Traceback:\n    in polite\n  KeyError: 'x'\n"
