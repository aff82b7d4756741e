"""What the pages of the viewer show: the numbers of --json, and every text as a text."""

from __future__ import annotations

import html
import json
import re
import sqlite3
import time
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from promptlab.core.visible import is_visible
from promptlab.report.html.page.marks import Marks, numbers

from .conftest import HOSTILE, Viewed, Viewing, told

MARK = re.compile(r'<data data-at="([^"]*)" data-value="([^"]*)">')
EXPECTED_PAGES = (
    *("/", "/compare", "/search?q=lamp3", "/runs/latest", "/runs/latest/cases"),
    *("/runs/latest/trials", "/runs/latest/cell?at=c03", "/search"),
)


class Elements(HTMLParser):
    """The elements of a page, and all of its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def links(self) -> list[str]:
        """Return where its links lead."""
        return [value for name, value in self.attributes if name == "href"]


def marked(page: str) -> dict[str, Any]:
    """Return the numbers of a page by their places."""
    found = MARK.findall(page)
    return {html.unescape(at): json.loads(html.unescape(value)) for at, value in found}


def agrees(page: str, document: dict[str, Any], *below: str) -> None:
    """Check the marks of a page against a document, and that all numbers below places are there."""
    found, marks = marked(page), Marks(document)
    assert found
    for at, value in found.items():
        assert marks.value(at) == value, at
    wanted = [at for place in below for at in numbers(marks.value(place), place)]
    assert len(wanted) > len(below) / 2  # what is unknown is no number
    assert not [at for at in wanted if at not in found]


@pytest.mark.parametrize("address", EXPECTED_PAGES)
def test_every_page_is_whole_and_inert(viewed: Viewed, address: str) -> None:
    page = viewed.get(address)
    elements = Elements(page)
    assert page.count("</html>") == 1
    assert not {"img", "iframe", "object", "embed", "link", "base", "svg"} & set(elements.names)
    assert elements.names.count("script") == 1
    assert not [name for name, _ in elements.attributes if name.startswith("on")]
    assert not [name for name, _ in elements.attributes if name == "style"]
    assert is_visible(page)


def test_hostile_texts_are_shown_as_they_are(viewed: Viewed) -> None:
    part = quote(quote("<b>a/b</b>~", safe="").replace("~", "%7E"), safe="")
    for address in (
        f"/runs/latest/cell?at={part}",
        "/runs/latest/trials?tag=%3Ci%3Et%3C%2Fi%3E",
        "/search?q=turned",
    ):
        page = viewed.get(address)
        assert HOSTILE not in page
        assert html.escape("<b>a/b</b>~") in page
        elements = Elements(page)
        assert "img" not in elements.names
        assert elements.names.count("script") == 1
        assert is_visible(page)
    shown = "".join(Elements(viewed.get(f"/runs/latest/cell?at={part}")).texts)
    assert HOSTILE in shown
    assert "<U+202E>turned<U+202C> ^[[31mred" in shown


def test_hostile_words_of_an_address_are_shown_as_they_are(viewed: Viewed) -> None:
    for address in (
        f"/search?q={quote(HOSTILE)}",
        f"/runs/{quote(HOSTILE, safe='')}",
        f"/compare?run={quote(HOSTILE)}",
        f"/runs/latest/cases?arm={quote(HOSTILE)}",
        f"/runs/latest/trials?after={quote(HOSTILE)}",
        "/search?q=%1b%5b2J%e2%80%ae",
    ):
        page = viewed.client.get(address).text
        assert "<img" not in page
        assert is_visible(page)


def test_the_list_of_runs_says_what_runs_says(
    viewed: Viewed, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = viewed.get("/")
    document = {"runs": told(root, capsys, "runs")}
    agrees(page, document, "/runs/0/trials")
    assert f"/runs/{document['runs'][0]['run']}" in Elements(page).links


def test_a_run_says_what_run_says(
    viewed: Viewed, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = viewed.get("/runs/latest")
    document = {"run": told(root, capsys, "report")["run"]}
    scores = [f"/run/0/arms/{arm}/scores/{at}" for arm in range(3) for at in range(2)]
    agrees(page, document, *(f"{at}/{key}" for at in scores for key in ("mean", "ci", "n")))


def test_cases_say_what_the_matrix_says(
    viewed: Viewed, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = viewed.get("/runs/latest/cases")
    shown = told(root, capsys, "show", "--matrix", "--json")
    by_id = {case["case_id"]: case for case in shown["cases"]}
    order = re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', page)
    shown["cases"] = [by_id[html.unescape(case)] for case in order]
    assert len(order) == 13
    cells = [f"/matrix/cases/{case}/cells/{arm}/score" for case in range(13) for arm in range(3)]
    agrees(page, {"matrix": shown}, *cells)


def test_comparisons_say_what_compare_says(
    viewed: Viewed, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = told(root, capsys, "compare", "--baseline", "thanks@v1")
    page = viewed.get("/compare?a=thanks@v1")
    keys = ("n", "mean_a", "mean_b", "delta", "ci_simultaneous", "p_family", "wins", "losses")
    pairs = [f"/compare/comparisons/{at}/{key}" for at in range(2) for key in keys]
    agrees(page, {"compare": document}, *pairs)
    report = told(root, capsys, "report", "--baseline", "thanks@v1")
    assert report["headline"] in "".join(Elements(page).texts)


def test_two_arms_alone_are_compared_as_among_all(
    viewed: Viewed, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = told(root, capsys, "compare", "--baseline", "thanks@v1")
    [of_v3] = [each for each in document["comparisons"] if each["b"] == "thanks@v3"]
    page = viewed.get("/compare?a=thanks@v1&b=thanks@v3")
    found = marked(page)
    assert found["/compare/comparisons/0/delta"] == of_v3["delta"]
    assert not [at for at in found if at.startswith("/compare/comparisons/1/")]
    assert "is compared with nothing" in viewed.get("/compare?a=thanks@v1&b=thanks@v9")


def test_a_cell_is_at_its_permalink(
    viewed: Viewed, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = told(root, capsys, "show", "--matrix", "--json")
    digest = shown["arms"][1]["digest"]
    page = viewed.get(f"/runs/latest/cell?at=c03--{digest}")
    opened = re.findall(r'<details open class="cell" id="([^"]*)">', page)
    assert opened == [f"c03--{digest}"]
    assert page.count('class="cell"') == 3
    assert "rank 3 &lt;b&gt;!&lt;/b&gt;" in page
    assert viewed.client.get("/runs/latest/cell?at=c03--123456789abc").status_code == 404
    assert viewed.client.get("/runs/latest/cell?at=nowhere").status_code == 404
    document = {
        "matrix": {**shown, "cases": [one for one in shown["cases"] if one["case_id"] == "c03"]}
    }
    assert (
        marked(page)["/matrix/cases/0/cells/1/score"]
        == (document["matrix"]["cases"][0]["cells"][1]["score"])
    )


@pytest.mark.parametrize(
    ("narrowing", "expected"),
    [
        ("case=c03", ["c03"]),
        ("tag=odd", [f"c{n:02}" for n in range(1, 12, 2)]),
        ("tag=odd&case=c05", ["c05"]),
        ("changed=regressed&from=thanks@v1 on echo&to=thanks@v2 on echo", ["c00", "c01", "c02"]),
        ("changed=fixed&from=thanks@v2 on echo&to=thanks@v3 on echo", ["<b>a/b</b>~"]),
        ("changed=fixed&tag=odd", ["c07", "c09", "c11"]),
        ("only=failed&arm=thanks@v1 on echo", [f"c{n:02}" for n in range(6, 12)] + ["<b>a/b</b>~"]),
        ("outcome=refused", []),
        ("scorer=length&only=errors", []),
    ],
)
def test_cases_are_narrowed_down(viewed: Viewed, narrowing: str, expected: list[str]) -> None:
    page = viewed.get(f"/runs/latest/cases?{narrowing}")
    found = re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', page)
    assert [html.unescape(each) for each in found] == expected
    trials = viewed.get(f"/runs/latest/trials?{narrowing}")
    named = {
        html.unescape(each) for each in re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', trials)
    }
    assert named == set(expected)


@pytest.mark.parametrize(
    ("order", "first"),
    [
        ("sort=flips", ["c00", "c01", "c02", "c03"]),
        ("sort=change&from=thanks@v1 on echo&to=thanks@v2 on echo", ["c00", "c01", "c02", "c03"]),
        ("sort=change&from=thanks@v2 on echo&to=thanks@v1 on echo", ["c06", "c07", "c08", "c09"]),
        ("sort=case", ["<b>a/b</b>~", "c00", "c01", "c02"]),
        ("sort=tag", ["<b>a/b</b>~", "c00", "c02", "c04"]),
        ("sort=outcome&tag=odd", ["c01", "c03", "c05", "c07"]),
    ],
)
def test_cases_are_sorted(viewed: Viewed, order: str, first: list[str]) -> None:
    page = viewed.get(f"/runs/latest/cases?{order}")
    found = re.findall(r'<th scope="row"><a [^>]*>(.*?)</a>', page)
    assert [html.unescape(each) for each in found][:4] == first


@pytest.mark.parametrize(
    "address",
    [
        *("/runs/nothing", "/runs/latest/cases?outcome=fine", "/runs/latest/cases?changed=better"),
        *("/runs/latest/trials?after=-1", "/runs/latest/trials?after=1e3", "/?skip=99999999999"),
        *("/runs/latest/cases?changed=fixed&from=thanks@v1 on echo&to=thanks@v1 on echo",),
        *("/runs/latest/trials?arm=thanks@v1", "/runs/latest/cases?scorer=none", "/compare?by=x"),
        f"/search?q={'x' * 501}",
        "/runs/latest/cases?sort=size",
        "/runs/latest/trials?after=9223372036854775808",
    ],
)
def test_what_does_not_fit_is_told(viewed: Viewed, address: str) -> None:
    answer = viewed.client.get(address)
    assert answer.status_code == 404
    assert 'role="alert"' in answer.text


def test_search_finds_words_in_outputs_and_prompts(viewed: Viewed) -> None:
    page = viewed.get("/search?q=lamp3")
    assert "<mark>lamp3</mark>" in page
    [*links] = [link for link in Elements(page).links if "/cell?at=c03#trial-" in link]
    assert links
    assert "Nothing is found" in viewed.get("/search?q=zebra")
    assert "Nothing is found" in viewed.get('/search?q="lamp3 thank"')


def test_a_search_reads_many_new_texts_beside(
    viewing: Viewing, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(database)) as raw:  # as if nothing had ever been looked for
        raw.execute("DROP TABLE IF EXISTS searched")
    monkeypatch.setattr("promptlab.store.search._AT_ONCE", 0)
    viewed = viewing(database)
    page = viewed.get("/search?q=lamp3")
    assert "texts cannot be looked at yet" in page
    assert "/search?q=lamp3&amp;live=1" in page
    for _ in range(500):
        if "data-live" not in (page := viewed.get("/search?q=lamp3&live=1")):
            break  # all is read
        time.sleep(0.02)
    assert "data-live" not in page
    assert "<mark>lamp3</mark>" in page


def test_every_link_leads_somewhere(viewed: Viewed) -> None:
    links: dict[object, str] = {}
    for address in EXPECTED_PAGES:
        page = Elements(viewed.get(address))
        ids = {value for name, value in page.attributes if name == "id"}
        assert {link[1:] for link in page.links if link.startswith("#")} <= ids
        for link in page.links:
            path, _, query = link.partition("?")
            if path.startswith("/"):  # one of each kind
                links[path, tuple(part.partition("=")[0] for part in query.split("&"))] = link
    assert len(links) > 12
    for link in links.values():
        assert viewed.client.get(link).status_code == 200, link
