"""Every number of the page is one of its document, and the other way round, with rows behind it."""

from __future__ import annotations

import json

import pytest

from promptlab.core.visible import visible

from .conftest import Made
from .parsed import leaves


def test_every_number_of_the_document_is_in_the_page(made: Made) -> None:
    found = dict(leaves(made.document))
    shown = {mark.at: mark.value for mark in made.page.marks}
    assert len(found) > 1_000
    assert {at: shown.get(visible(at)) for at in found} == found


def test_every_number_of_the_page_is_in_the_document(made: Made) -> None:
    found = {visible(at): value for at, value in leaves(made.document)}
    assert [mark.at for mark in made.page.marks if found.get(mark.at) != mark.value] == []


def test_the_document_is_what_the_verb_writes(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    from .conftest import typed

    capsys.readouterr()
    assert typed(made.root, "report", "--json") == 0
    assert json.loads(capsys.readouterr().out) == made.document


def test_its_comparisons_are_those_of_compare(
    made: Made, capsys: pytest.CaptureFixture[str]
) -> None:
    from .conftest import typed

    capsys.readouterr()
    assert typed(made.root, "compare", "--json") == 0
    assert json.loads(capsys.readouterr().out) == made.document["compare"]


def test_every_number_leads_to_its_rows_or_is_in_them(made: Made) -> None:
    ids = set(made.page.ids)
    assert made.html.count('<dt><a href="#pair-') == 3
    for mark in made.page.marks:
        if mark.link is not None:
            assert mark.link.removeprefix("#") in ids, mark
        elif "figures" not in mark.within:  # there the thing that they are about has the link
            assert mark.at.startswith(("/matrix/", "/hunks/", "/made/")), mark


def test_every_link_of_the_page_leads_somewhere(made: Made) -> None:
    assert len(made.page.ids) == len(set(made.page.ids))
    assert all(link.startswith("#") for link in made.page.links)
    assert {link[1:] for link in made.page.links} <= set(made.page.ids)


def test_the_numbers_of_the_conclusion_are_those_of_its_comparison(made: Made) -> None:
    told = [mark for mark in made.page.marks if "headline" in mark.within]
    assert [mark.at.rpartition("comparisons/")[2] for mark in told] == [
        *("0/delta", "0/ci_simultaneous/0", "0/ci_simultaneous/1", "0/wins", "0/losses")
    ]
    assert {mark.link for mark in told} == {"#pair-0"}


@pytest.mark.parametrize("part", ["arms", "differences", "practices", "cost"])
def test_what_people_read_is_the_number(made: Made, part: str) -> None:
    prefix = {"arms": "/run/0/arms/", "practices": "/practices/practices/"}.get(part, "/compare/")
    read = [mark for mark in made.page.marks if mark.at.startswith(prefix) and "%" in mark.text]
    for mark in read:
        assert isinstance(mark.value, (int, float))
        assert float(mark.text.removesuffix(" %")) == pytest.approx(100 * mark.value, abs=0.06)
    assert read or part in ("practices", "cost")


def test_every_cell_has_a_permanent_address(made: Made) -> None:
    arms = [arm["digest"] for arm in made.document["matrix"]["arms"]]
    wanted = {
        f"{case['case_id']}--{arm}" for case in made.document["matrix"]["cases"] for arm in arms
    }
    assert len(wanted) == 120
    assert wanted <= set(made.page.ids)
