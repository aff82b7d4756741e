"""What changed between two texts, one change at a time, and which text has which of the changes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptlab.core.types import TemplateSource
from promptlab.templates.affected import make_source, without_breaks
from promptlab.templates.changes import Changes, signature
from promptlab.templates.edits import edits_between
from promptlab.templates.template import Template

LINES = st.lists(
    st.sampled_from(["One.", "Two.", "", "  Three.", "{# four #}", "{{ x }}", "Zoë"]), max_size=7
)


def source(text: str, includes: Mapping[str, str] | None = None) -> TemplateSource:
    return make_source("t", "v1", text, dict(includes or {}))


def changes(a: str, b: str, of_a: Mapping[str, str] | None = None, **of_b: str) -> Changes:
    files = {path.replace("__", "/") + ".j2": text for path, text in of_b.items()}
    return Changes(Template(source(a, of_a)), Template(source(b, files)))


def added(found: Changes) -> list[list[str]]:
    return [
        [text for edit in one.edits for op, text, _ in edit.lines if op == "+"] for one in found.all
    ]


@pytest.mark.slow
@given(LINES, LINES, st.sampled_from(["", "---\nsampling: {temperature: 1}\n---\n"]))
def test_a_text_with_some_changes_is_found_to_have_just_these(
    a: list[str], b: list[str], front: str
) -> None:
    found = changes("Begin {{ x }}\n" + "\n".join(a), f"{front}Begin {{{{ x }}}}\n" + "\n".join(b))
    every = frozenset(one.number for one in found.all)
    loud = frozenset(one.number for one in found.loud)
    assert signature(found.text(())) == signature(found.a.source)
    assert signature(found.text(every)) == signature(found.b.source)
    if not every:
        assert found.a.source.source == found.b.source.source
    for size in range(min(len(every), 3) + 1):
        for some in combinations(sorted(every), size):
            text = found.text(some)
            Template(text)
            place = found.place_of(text)
            assert place is not None
            assert place <= loud
            assert signature(found.text(place)) == signature(text)


def test_a_change_is_a_run_of_lines_and_not_what_is_near() -> None:
    found = changes("a\nb\nc\nd\n", "a\nB\nc\nD\nd\n")
    assert added(found) == [["B"], ["D"]]
    assert [one.edits[0].hunk and one.edits[0].hunk.start_b for one in found.all] == [2, 4]
    assert found.text({1}).source == "a\nB\nc\nd\n"
    assert found.text({2}).source == "a\nb\nc\nD\nd\n"
    assert found.between == (frozenset({1}),)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("a\nb", "a\nb\n"),
        ("a", "a\nb"),
        ("a\nb\nc", "c"),
        ("", "a"),
        ("---\ndescription: x\n---\na\n", "a\nb\n"),
        ("a\n", "---\nparent: v0\nnotes: n\n---\na\nb"),
    ],
)
def test_ends_and_front_matter_are_put_together_again(a: str, b: str) -> None:
    a, b = (text or "x" for text in (a, b))
    found = changes(a, b)
    every = [one.number for one in found.all]
    assert signature(found.text(every)) == signature(source(b))
    assert found.text(()).source == a
    assert found.place_of(source(b)) == frozenset(one.number for one in found.loud)


def test_names_and_notes_are_no_changes_but_sampling_inputs_and_schema_are() -> None:
    a = "---\ndescription: one\nsampling: {temperature: 0, max_tokens: 5}\n---\nHi {{ x }}\n"
    b = (
        "---\ndescription: two\nparent: v1\nnotes: n\npractices: [clear]\n"
        "sampling: {max_tokens: 9}\ninputs: {x: string}\n"
        "output: {format: json, schema: {type: object}}\n---\nHi {{ x }}\n"
    )
    found = changes(a, b)
    keys = [one.edits[0].key for one in found.all]
    assert keys == ["sampling.temperature", "sampling.max_tokens", "inputs", "output.schema"]
    assert [one.is_sampling for one in found.all] == [True, True, False, False]
    text = found.text({1})
    assert Template(text).front.sampling.given() == {"max_tokens": 5}
    assert Template(text).front.description == "one"
    assert Template(found.text({2, 4})).front.output.schema_ == {"type": "object"}


def test_a_comment_and_the_tags_of_a_practice_change_nothing_that_is_sent() -> None:
    found = changes("a\nb\nc\n", '{# note #}\na\n{% practice "clear" %}\nb\n{% endpractice %}\nc\n')
    assert [one.silent for one in found.all] == [True, True]
    assert found.loud == ()
    assert found.place_of(source("a\nb\nc\n")) == frozenset()


def test_a_practice_that_is_off_is_the_text_without_it() -> None:
    block = '{% practice "clear" %}\nBe clear.\n{% endpractice %}\n'
    b = f"a\n{block}b\n{{% practice 'role' %}}r{{% endpractice %}}\nc\nd\n"
    found = changes("a\nb\nc\n", b)
    assert added(found)[0] == block.splitlines()
    assert found.place_of(source(b), ["clear"]) == frozenset({2, 3})
    assert found.place_of(source(b), ["clear", "role"]) == frozenset({3})
    assert found.place_of(source(b), ["role"]) == frozenset({1, 3})
    assert found.place_of(source(b)) == frozenset({1, 2, 3})


def test_what_is_included_has_hunks_of_its_own() -> None:
    body = '{% include "_shared/rules.j2" %}\n{{ x }}\n'
    found = Changes(
        Template(source(body, {"_shared/rules.j2": "one\ntwo\n"})),
        Template(source(body + "end\n", {"_shared/rules.j2": "one\nTWO\n"})),
    )
    assert [one.edits[0].path for one in found.all] == [None, "_shared/rules.j2"]
    assert found.text({2}).includes == {"_shared/rules.j2": "one\nTWO\n"}
    assert found.text({1}).includes == {"_shared/rules.j2": "one\ntwo\n"}


def test_a_file_that_only_one_includes_belongs_to_the_line_that_does() -> None:
    a, b = "one\ntwo\n{{ x }}\n", 'one\n{% include "r.j2" %}\ntwo\n{{ x }}\nend\n'
    found = Changes(Template(source(a)), Template(source(b, {"r.j2": "rules\n"})))
    assert added(found) == [['{% include "r.j2" %}', "rules"], ["end"]]
    assert found.text({1}).includes == {"r.j2": "rules\n"}
    assert found.text({2}).includes == {}
    back = Changes(Template(source(b, {"r.j2": "rules\n"})), Template(source(a)))
    assert [len(one.edits) for one in back.all] == [2, 1]
    assert back.text({1}).includes == {}


def test_changes_that_no_template_has_apart_are_one() -> None:
    a = "Item {{ x }}.\nA.\nB.\nC.\nD.\n"
    b = "Item {{ x }}.\n{% if x %}\nA.\nNew.\nB.\n{% endif %}\nC.\nE.\nD.\n"
    found = changes(a, b)
    assert added(found) == [["{% if x %}", "{% endif %}"], ["New."], ["E."]]
    answers = changes(
        "{% user %}{{ x }}{% enduser %}\n{% generate draft %}\n{% user %}More.{% enduser %}\n",
        "{% user %}{{ x }}{% enduser %}\n{% generate other %}\n{% user %}More.{% enduser %}\n"
        "{% generate %}\n{% user %}{{ other }}{% enduser %}\n",
    )
    assert len(answers.all) == 1  # `other` would be a variable that no case has


def test_the_same_change_elsewhere_is_recognised() -> None:
    found = changes("a\nb\n", "a\nBe brief.\nb\nc\n")
    x, y = "Another.\na\nz\n", "Another.\na\nBe brief.\nz\n"
    assert found.alone_between(source(x), source(y)) == 1
    assert found.alone_between(source(y), source(x)) is None  # the other way round
    assert found.alone_between(source(x), source(y + "c\n")) is None


def test_a_text_from_before_line_breaks_were_kept_is_another() -> None:
    text = "{% if x %}a{% endif %}\nb {{ x }}\n"
    found = changes(text, text + "c\n")
    assert found.place_of(source(text)) == frozenset()
    assert found.place_of(without_breaks(source(text))) is None
    assert not [*edits_between(source(text), without_breaks(source(text)))]


def test_many_hunks_of_a_long_text_are_compared_by_their_lines() -> None:
    lines = [f"Line {place} of {{{{ x }}}}." for place in range(240)]
    changed = [f"New {line}" if place % 8 == 1 else line for place, line in enumerate(lines)]
    found = changes("\n".join(lines), "\n".join(changed))
    assert len(found.loud) == len(found.all) == 30  # each compiled by itself takes long
    some = [line if place > 80 else changed[place] for place, line in enumerate(lines)]
    assert found.place_of(source("\n".join(some))) == frozenset(range(1, 11))
    assert found.place_of(source("\n".join([*some, "Another."]))) is None
    assert found.place_of(source("\n".join(["{# note #}", *some]))) == frozenset(range(1, 11))
