from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.templates.text_diff import Hunk, align, bag, diff_texts, likeness, patch, word_marks

# Few words and many newlines, so that texts share much; with the characters that trip a line diff.
TEXTS = st.lists(
    st.sampled_from(["Be kind.", "Be brief.", "\n", "\n", "\r", "\x0c", "\u2028", " ", "kind"])
).map("".join)


def shown(hunks: Sequence[Hunk]) -> list[str]:
    return [
        row for hunk in hunks for row in (hunk.head, *(line.op + line.text for line in hunk.lines))
    ]


def side(hunks: Sequence[Hunk], without: str) -> str:
    """Return the text of one side of complete hunks."""
    lines = [line for hunk in hunks for line in hunk.lines if line.op != without]
    return "".join(line.text + "\n" * line.newline for line in lines)


def marked(text: str, marks: Sequence[tuple[int, int]]) -> list[str]:
    return [text[start:end] for start, end in marks]


def test_lines_around_a_change_are_shown_and_heads_count_as_git_does() -> None:
    a = "".join(f"{number}\n" for number in range(1, 21))
    b = a.replace("5\n", "five\n", 1).replace("18\n", "")
    assert shown(diff_texts(a, b)) == [
        "@@ -2,7 +2,7 @@", " 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8",
        "@@ -15,6 +15,5 @@", " 15", " 16", " 17", "-18", " 19", " 20",
    ]  # fmt: skip


def test_changes_whose_surroundings_meet_are_one_hunk() -> None:
    a = "".join(f"{number}\n" for number in range(1, 21))
    near = diff_texts(a, a.replace("2\n", "two\n", 1).replace("9\n", "nine\n", 1))
    apart = diff_texts(a, a.replace("2\n", "two\n", 1).replace("10\n", "ten\n", 1))
    assert [hunk.head for hunk in near] == ["@@ -1,12 +1,12 @@"]
    assert [hunk.head for hunk in apart] == ["@@ -1,5 +1,5 @@", "@@ -7,7 +7,7 @@"]


def test_a_side_without_lines_starts_at_the_line_before() -> None:
    assert shown(diff_texts("", "a\n")) == ["@@ -0,0 +1 @@", "+a"]
    assert shown(diff_texts("a\nb\n", "a\n", context=0)) == ["@@ -2 +1,0 @@", "-b"]
    assert shown(diff_texts("a\n", "b\n", first_a=5, first_b=9)) == ["@@ -5 +9 @@", "-a", "+b"]


def test_equal_texts_have_no_hunk() -> None:
    assert diff_texts("a\nb", "a\nb") == ()


def test_a_missing_last_newline_is_a_difference() -> None:
    [hunk] = diff_texts("a\nb", "a\nb\n")
    assert [(line.op, line.text, line.newline) for line in hunk.lines] == [
        (" ", "a", True),
        ("-", "b", False),
        ("+", "b", True),
    ]


def test_words_are_marked_in_the_line_that_was_edited_only() -> None:
    a = "Classify the review as positive or negative.\nThanks.\n"
    b = "Greetings to all of you!\nClassify this review as positive or neutral.\nThanks.\n"
    [hunk] = diff_texts(a, b)
    old, greeting, new, _ = hunk.lines
    assert marked(old.text, old.marks) == ["the", "negative"]
    assert marked(new.text, new.marks) == ["this", "neutral"]
    assert greeting.marks == ()


@pytest.mark.parametrize(
    ("a", "b", "marks_a", "marks_b"),
    [
        ("one two three", "one three", ["two "], []),
        ("say it", "say it, now", [], [", now"]),
        ("a b c d", "a x y d", ["b c"], ["x y"]),  # ranges separated only by space are merged
        ("{{ name }}", "{{ title }}", ["name"], ["title"]),
        ("良い本です", "悪い本です", ["良"], ["悪"]),
        ("don't", "do", ["don't"], ["do"]),
        ("same", "same", [], []),
    ],
)
def test_word_marks(a: str, b: str, marks_a: list[str], marks_b: list[str]) -> None:
    found_a, found_b = word_marks(a, b)
    assert (marked(a, found_a), marked(b, found_b)) == (marks_a, marks_b)


def test_rewritten_passages_are_not_torn_by_the_empty_lines_they_share() -> None:
    a = "What do you make of it?\n\nReview: x\n"
    b = "Say yes or no.\n\nIt comes from a shop.\n\nReview: x\n"
    ops = "".join(line.op for hunk in diff_texts(a, b) for line in hunk.lines)
    assert ops == "-+++  "


def test_edited_paragraphs_stand_beside_their_old_form() -> None:
    a = "Say whether it is good.\n\nAnswer with one word.\n"
    b = "Say whether it is bad.\n\nAnswer with two words.\n"
    ops = "".join(line.op for hunk in diff_texts(a, b) for line in hunk.lines)
    assert ops == "-+ -+"


def test_a_passage_put_in_begins_with_its_own_first_line() -> None:
    a = "x\n{% one %}\na\n{% end %}\ny\n"
    b = "z\n{% one %}\na\n{% end %}\n{% two %}\nb\n{% end %}\ny\n"
    added = [line.text for hunk in diff_texts(a, b) for line in hunk.lines if line.op == "+"]
    dropped = [line.text for hunk in diff_texts(b, a) for line in hunk.lines if line.op == "-"]
    assert added == dropped == ["z", "{% two %}", "b", "{% end %}"]


@given(TEXTS, TEXTS)
def test_whole_hunks_spell_both_texts_out(a: str, b: str) -> None:
    hunks = diff_texts(a, b, context=1_000)
    if a == b:
        assert hunks == ()
    else:
        assert (side(hunks, without="+"), side(hunks, without="-")) == (a, b)


@given(TEXTS, TEXTS)
def test_marks_lie_in_order_inside_their_line(a: str, b: str) -> None:
    for hunk in diff_texts(a, b):
        for line in hunk.lines:
            ends = [end for mark in line.marks for end in mark]
            assert ends == sorted(ends)
            assert all(0 <= end <= len(line.text) for end in ends)
            assert line.op != " " or not line.marks


@given(TEXTS, TEXTS)
def test_what_is_not_marked_is_common(a: str, b: str) -> None:
    marks_a, marks_b = word_marks(a, b)

    def rest(text: str, marks: Sequence[tuple[int, int]]) -> str:
        for start, end in reversed(marks):
            text = text[:start] + text[end:]
        return "".join(text.split())

    assert rest(a, marks_a) == rest(b, marks_b)


@pytest.mark.slow
def test_large_texts_are_compared_in_time() -> None:
    words = [f"w{number % 50}" for number in range(3_000)]
    other = [word for place, word in enumerate(words) if place % 7]
    marks, _ = word_marks(" ".join(words), " ".join(other))
    assert marks
    lines = "".join(f"{word}\n" for word in words)
    assert len(diff_texts(lines, "".join(f"{word} x\n" for word in words))) == 1


def test_likeness_is_the_share_of_common_letters() -> None:
    assert likeness(bag("a bb ccc"), bag("ccc bb d")) == pytest.approx(10 / 12)
    assert likeness(bag(" \n"), bag("")) == 0


def test_align_pairs_in_order_what_is_most_alike() -> None:
    table = [[0.0, 0.9, 0.5], [0.8, 0.0, 0.6]]
    assert align(2, 3, lambda i, j: table[i][j]) == [(0, 1), (1, 2)]
    assert align(0, 3, lambda i, j: 1.0) == []
    assert align(1, 3, lambda i, j: 0.5) == [(0, 0)]  # the first of equals


def test_align_pairs_very_long_lists_by_place() -> None:
    pairs = align(300, 400, lambda i, j: float(i != 7))
    assert pairs == [(place, place) for place in range(300) if place != 7]


# Patches


def apply(folder: Path, *command: str, text: str) -> None:
    subprocess.run(command, cwd=folder, input=text.encode(), check=True, capture_output=True)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("one\ntwo\n", "one\n2\n"),
        ("one\ntwo", "one\ntwo\n"),
        ("one\ntwo\n", "one\ntwo"),
        ("one\ntwo", "1\ntwo"),
        ("one\r\ntwo\r\n", "one\ntwo\r\nthree"),
        ("\ufeffone\n", "one\x0c\u2028 two\n"),
        ("", "new\n"),
        ("".join(f"{n}\n" for n in range(60)), "".join(f"{n}\n" for n in range(60) if n % 25)),
    ],
)
@pytest.mark.parametrize("name", ["v2.j2", "v 2.j2", 'v"2.j2', "größe.j2"])
def test_git_makes_the_second_file_of_a_patch(tmp_path: Path, a: str, b: str, name: str) -> None:
    folder = tmp_path / "templates/mood"
    folder.mkdir(parents=True)
    (folder / "v1.j2").write_bytes(a.encode())
    text = patch("templates/mood/v1.j2", a, f"templates/mood/{name}", b)
    apply(tmp_path, "git", "apply", "--whitespace=nowarn", "-", text=text)
    assert (folder / name).read_bytes() == b.encode()
    assert (folder / "v1.j2").read_bytes() == a.encode()


def test_patch_takes_it_too(tmp_path: Path) -> None:
    (tmp_path / "v1.j2").write_bytes(b"one\ntwo")
    text = patch("templates/mood/v1.j2", "one\ntwo", "templates/mood/v2.j2", "one\n2\nthree\n")
    apply(tmp_path, "patch", "-o", "made", "v1.j2", text=text)
    assert (tmp_path / "made").read_bytes() == b"one\n2\nthree\n"


def test_there_is_no_patch_between_equal_texts() -> None:
    assert patch("a", "x", "b", "x") == ""


def test_a_file_patched_in_place_is_not_a_copy(tmp_path: Path) -> None:
    (tmp_path / "v1.j2").write_bytes(b"one\n")
    apply(tmp_path, "git", "apply", "-", text=patch("v1.j2", "one\n", "v1.j2", "two\n"))
    assert (tmp_path / "v1.j2").read_bytes() == b"two\n"
