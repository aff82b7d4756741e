"""References of versions: every way to name one, and what it may not mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from promptlab.core.errors import PromptlabError
from promptlab.templates.past import PastLabel, is_older, label_of, past_text, restoring
from promptlab.templates.references import choose, natural_key, no_such_version


class Shelf:
    """A catalogue of texts by the names of their versions."""

    TEXTS: Mapping[str, str] = {
        "mail@v1": "b2:aaaa1111cc",
        "mail@v2": "b2:bbbb2222cc",
        "mail@v10": "b2:bbbb3333cc",
        "note@v1": "b2:dddd4444cc",
        "note@v7": "b2:aaaa1111cc",
    }

    def names(self) -> list[str]:
        return ["mail", "note"]

    def versions(self, name: str) -> list[str]:
        pairs = (text.split("@") for text in self.TEXTS)
        return sorted((version for owner, version in pairs if owner == name), key=natural_key)

    def aliases(self, name: str) -> dict[str, str]:
        return {"best": "v2"} if name == "mail" else {}

    def digest_of(self, name: str, version: str) -> str:
        return self.TEXTS[f"{name}@{version}"]


def named(text: str, *among: str) -> list[str]:
    return ["@".join(version) for version in choose(Shelf(), text, among)]


def mistake(work: Callable[[], object]) -> str:
    with pytest.raises(PromptlabError) as caught:
        work()
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail", "mail@v10"),
        ("mail@v2", "mail@v2"),
        ("mail@best", "mail@v2"),
        ("v2", "mail@v2"),
        ("v7", "note@v7"),
        ("best", "mail@v2"),
        ("b2:bbbb2222cc", "mail@v2"),
        ("b2:bbbb2", "mail@v2"),
        ("bbbb2222", "mail@v2"),
        ("mail@b2:bbbb2", "mail@v2"),
        ("mail@bbbb2222", "mail@v2"),
        ("mail@v2 [bbbb22]", "mail@v2"),
        ("v2 [bbbb22]", "mail@v2"),
        ("best [bbbb22]", "mail@v2"),
        ("mail [bbbb22]", "mail@v2"),
        ("v1 [dddd44]", "note@v1"),
        ("mail@v2 [bbbb22] [#2]", "mail@v2"),
        ("mail@v2 [#1]", "mail@v2"),
        ("b2:aaaa", "mail@v1"),  # one text under two names
        ("note@b2:aaaa", "note@v7"),
    ],
)
def test_every_name_of_a_version_means_it(text: str, expected: str) -> None:
    assert named(text) == [expected]


@pytest.mark.parametrize("text", ["", "v3", "mail@", "mail@v3", "@v1", "b2:", "b2:bb", "b2:cccc",
                                  "mail@v2 [aaaa11]", "note@best", "post", "v1..v3"])  # fmt: skip
def test_what_names_nothing_is_told(text: str) -> None:
    assert named(text) == []
    assert mistake(lambda: _raise(no_such_version(Shelf(), text)))


def _raise(error: PromptlabError) -> None:
    raise error


def test_a_range_and_all_may_stand_alone_where_one_template_has_them() -> None:
    assert named("v2..v10") == ["mail@v2", "mail@v10"]
    assert named("*", "note") == ["note@v1", "note@v7"]


def test_a_version_of_two_templates_is_ambiguous_unless_one_is_meant() -> None:
    expected = "'v1' may be a version of mail or of note (write mail@v1 or note@v1)"
    assert mistake(lambda: named("v1")) == expected
    assert named("v1", "note") == ["note@v1"]
    assert named("v7", "mail") == []


def test_the_beginning_of_two_digests_is_ambiguous() -> None:
    assert mistake(lambda: named("b2:bbbb")).startswith("'b2:bbbb' may mean 2 texts (give more")


PAST = [
    PastLabel("mail", "v2", "b2:99990000cc"),
    PastLabel("mail", "v3", "b2:88880000cc"),
    PastLabel("mail", "v3", "b2:77770000cc"),
    PastLabel("post", "v1", "b2:66660000cc"),
]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("b2:9999", 0),
        ("99990000", 0),
        ("mail@99990000", 0),
        ("mail@b2:9999", 0),
        ("mail@v2", 0),
        ("v2 [999900]", 0),
        ("mail@v3 [777700]", 2),
        ("post", 3),
        ("v1", 3),
    ],
)
def test_a_text_of_the_past_is_found_by_its_names(text: str, place: int) -> None:
    assert past_text(PAST, text) == PAST[place]
    assert past_text(PAST, PAST[place].shown) == PAST[place]


def test_a_label_of_two_texts_of_the_past_is_ambiguous() -> None:
    expected = "'v3' may mean 2 texts (write 'mail@v3 [888800]', 'mail@v3 [777700]')"
    assert mistake(lambda: past_text(PAST, "v3")) == expected
    assert past_text(PAST, "v9") is None
    assert past_text(PAST, "v2", among=["post"]) is None


def test_names_of_past_texts() -> None:
    assert is_older("v1 [999900]")
    assert not is_older("v1")
    assert (label_of("v1 [999900]"), label_of("v1")) == ("v1", "v1")
    assert restoring("my mail", "b2:99990000cc") == (
        "promptlab template new --from b2:99990000 'my mail'"
    )
