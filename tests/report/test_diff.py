from __future__ import annotations

from dataclasses import replace
from io import StringIO
from unicodedata import category

from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot

from promptlab.core.types import Json, Message
from promptlab.report.terminal.diff import print_case, print_files, print_size_note, print_table
from promptlab.report.terminal.diff_lines import print_hunk
from promptlab.report.terminal.screen import Screen
from promptlab.report.views.diff import diff_view
from promptlab.templates.diff import (
    CaseDiff,
    FileDiff,
    KeyDiff,
    Names,
    PromptSize,
    VersionDiff,
    diff_conversations,
)
from promptlab.templates.text_diff import Hunk, diff_texts

from .conftest import Printed

OLD = "What do you make of it?\n\nReview: {{ review }}\n"
NEW = """\
Classify the sentiment of this review as positive or negative. Answer with one word.

Review: {{ review }}"""
SIZE = PromptSize(40.25, 60.25, "tokens", "smollm2", "mood", 20, 1000)


def build_versions(**changes: object) -> VersionDiff:
    plain = VersionDiff("mood@v1", "mood@v2", "b2:0", "b2:1", (), (), Names((), ()), Names((), ()))
    return replace(plain, **changes)  # type: ignore[arg-type] # the test knows the types


def coloured(hunk: Hunk) -> str:
    stream = StringIO()
    console = Screen(stream, 80, color_system="standard",
                      force_terminal=True, _environ={})  # fmt: skip
    print_hunk(console, hunk, head=True)
    return stream.getvalue()


def test_files_look_like_gits_and_long_lines_go_on_below_under_their_sign(
    printed: Printed,
) -> None:
    files = (FileDiff("templates/mood/v1.j2", "templates/mood/v2.j2", diff_texts(OLD, NEW)),)
    assert printed(print_files, diff_view(build_versions(files=files), None, None)) == snapshot("""\
--- templates/mood/v1.j2
+++ templates/mood/v2.j2
@@ -1,3 +1,3 @@
-What do you make of it?
+Classify the sentiment of this review as positive or negative. Answer with
+  one word.

-Review: {{ review }}
+Review: {{ review }}
\\ No newline at end of file

""")


def test_a_file_without_counterpart_is_against_dev_null(printed: Printed) -> None:
    files = (
        FileDiff("templates/_s/old.j2", None, diff_texts("a\n", "")),
        FileDiff(None, "templates/_s/new.j2", diff_texts("", "b\n")),
    )
    assert printed(print_files, diff_view(build_versions(files=files), None, None)) == snapshot("""\
--- templates/_s/old.j2
+++ /dev/null
@@ -1 +0,0 @@
-a

--- /dev/null
+++ templates/_s/new.j2
@@ -0,0 +1 @@
+b

""")


def test_words_are_set_off_where_there_is_colour() -> None:
    [hunk] = diff_texts("a b c d\n", "a b c e\n")
    assert coloured(hunk) == snapshot("""\
\x1b[36m@@ -1 +1 @@\x1b[0m
\x1b[31m-\x1b[0m\x1b[31ma b c \x1b[0m\x1b[1;7;31md\x1b[0m
\x1b[32m+\x1b[0m\x1b[32ma b c \x1b[0m\x1b[1;7;32me\x1b[0m
""")


def test_equal_versions_take_one_line(printed: Printed) -> None:
    assert printed(
        print_files, diff_view(build_versions(digest_b="b2:0", b="mood@" + 60 * "v"), None, None)
    ) == (f"mood@v1 and mood@{60 * 'v'} are the same text (digest b2:0)\n")


def test_a_difference_of_form_alone_is_reported(printed: Printed) -> None:
    assert printed(print_files, diff_view(build_versions(), None, None)).startswith(
        "Only how the front matter is written differs"
    )


def test_the_table_names_what_differs(printed: Printed) -> None:
    schema: Json = {"type": "object", "properties": {"mood": {"enum": ["good", "bad"]}}}
    wider: Json = {"type": "object", "properties": {"mood": {"enum": ["good", "bad", "mixed"]}}}
    rows = (
        KeyDiff("description", "Asks [bold]freely[/bold].", None),
        KeyDiff("practices", ["clear", "role"], ["clear", "context"]),
        KeyDiff("sampling", {"max_tokens": 32}, {"max_tokens": 8, "stop": ["\n", "."]}),
        KeyDiff("output", {"schema": schema}, {"format": "json", "schema": wider}),
    )
    versions = build_versions(
        front_matter=rows,
        practices=Names(("clear", "role"), ("clear", "context")),
        variables=Names(("review",), ("review", "shop")),
    )
    text = printed(print_table, diff_view(versions, SIZE, None))
    assert max(map(len, text.splitlines())) <= 80
    assert text == snapshot("""\
                                     mood@v1                   mood@v2
────────────────────────────────────────────────────────────────────────────────
description                          Asks                      -
                                     [bold]freely[/bold].
practices                            clear -role               clear +context
sampling.max_tokens                  32                        8
sampling.stop                        -                         ["\\n", "."]
output.schema.properties.mood.enum   good, bad                 good, bad, mixed
output.format                        -                         json
variables                            review                    review +shop
tokens                               40.2                      60.2 (+20, +50 %)

Tokens of the rendered prompts: the mean over 20 of 1,000 cases of suite mood,
counted by smollm2.
""")


def test_characters_are_called_characters(printed: Printed) -> None:
    size = PromptSize(0, 1200, "characters", None)
    assert printed(print_table, diff_view(build_versions(), size, None)) == snapshot("""\
             mood@v1   mood@v2
─────────────────────────────────────
characters   0         1,200 (+1,200)

Characters of the template's text, as no backend here counts tokens; no suite
renders both versions.
""")


def test_all_cases_are_not_some_of_them(printed: Printed) -> None:
    size = replace(SIZE, cases=1, cases_in_suite=1, stand_ins=True, a=61.0)
    text = printed(print_table, diff_view(build_versions(), size, None))
    assert "60.2 (-0.8, -1 %)" in text
    assert text.endswith("""\
Tokens of the rendered prompts: the mean over 1 case of suite mood, counted by
smollm2; answers not given yet count as a short stand-in.
""")


def test_nothing_to_tabulate_prints_nothing(printed: Printed) -> None:
    assert printed(print_table, diff_view(build_versions(), None, None)) == "\n"


def test_conversations_are_compared_message_by_message(printed: Printed) -> None:
    before = (
        Message("system", "You label reviews.\nBe strict."),
        Message("user", "".join(f"Line {number}.\n" for number in range(1, 21))),
        Message("assistant", "positive"),
        Message("user", "And now?"),
    )
    after = (
        before[0],
        Message("user", before[1].text.replace("Line 2.", "Line two.").replace("19", "XIX")),
        Message("system", "Hurry."),
    )
    case = CaseDiff("mood", "r01", diff_conversations(before, after))
    view = diff_view(build_versions(), None, case)
    assert printed(print_case, build_versions(), view.case) == snapshot("""\
--- mood@v1 on case r01
+++ mood@v2 on case r01
@@ system, the same 2 lines @@
@@ user @@
@@ -1,5 +1,5 @@
 Line 1.
-Line 2.
+Line two.
 Line 3.
 Line 4.
 Line 5.
@@ -16,6 +16,6 @@
 Line 16.
 Line 17.
 Line 18.
-Line 19.
+Line XIX.
 Line 20.

@@ assistant, dropped @@
-positive
@@ user, dropped @@
-And now?
@@ system, added @@
+Hurry.

""")


def test_the_size_of_a_case(printed: Printed) -> None:
    case = CaseDiff("mood", "r01", ())
    view = diff_view(build_versions(), replace(SIZE, cases=1), case)
    assert printed(print_size_note, view.size) == snapshot("""\
Prompt tokens: 40.2 -> 60.2 (+20, +50 %), counted by smollm2; the case is of
suite mood.
""")


@given(st.text(max_size=300), st.text(max_size=300), st.integers(30, 100))
def test_no_control_character_reaches_the_terminal(a: str, b: str, width: int) -> None:
    stream = StringIO()
    console = Screen(stream, width, color_system=None)
    for hunk in diff_texts(a, b):
        print_hunk(console, hunk, head=True)
    text = stream.getvalue()
    assert {sign for sign in text if category(sign) in ("Cc", "Zl", "Zp")} <= {"\n"}


def test_control_characters_are_spelled_out(printed: Printed) -> None:
    [hunk] = diff_texts("", "a\x1b[31mb\r\x7f\x9b\u202e\tc\n")
    assert printed(print_hunk, hunk, head=False) == "+a^[[31mb^M^?<U+009B><U+202E>    c\n"
