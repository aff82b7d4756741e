"""The texts of templates in the viewer, with a project and with a database alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from promptlab.viewer.app import make_app
from promptlab.viewer.desk import Desk
from promptlab.workbench.session import Session

from .conftest import Viewed, told
from .test_pages import Elements, agrees


def test_the_history_of_a_template_leads_to_what_changed(
    viewed: Viewed, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "/templates/thanks" in Elements(viewed.get("/templates")).links
    page = viewed.get("/templates/thanks")
    [first, second] = [link for link in Elements(page).links if "/diff?" in link]
    changed = viewed.get(second)
    assert "thanks@v2 to thanks@v3" in changed
    shown = "".join(Elements(changed).texts)
    assert "+ Bye! #3" in shown
    document = told(root, capsys, "diff", "thanks@v2", "thanks@v3")
    agrees(changed, {"hunks": [{"hunks": document["hunks"]}]}, "/hunks/0/hunks/0/hunk")
    assert "thanks@v1 to thanks@v2" in viewed.get(first)


def test_a_text_is_shown_as_it_is(viewed: Viewed) -> None:
    page = viewed.get("/templates/thanks")
    [link, *_] = [link for link in Elements(page).links if "?text=" in link]
    shown = "".join(Elements(viewed.get(link)).texts)
    assert "Dear {{ name }}, thank you for the {{ gift }}. #1" in shown


def test_a_database_alone_has_its_texts(
    database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = tmp_path / "elsewhere"
    alone.mkdir()
    monkeypatch.chdir(alone)
    desk = Desk(Session(database=database))
    app = make_app(desk, lambda error: pytest.fail(str(error)))
    client = TestClient(app, base_url="http://127.0.0.1")
    page = client.get("/templates/thanks").text
    links = [link for link in Elements(page).links if "/diff?" in link]
    assert len(links) == 2
    changed = client.get(links[0])
    assert changed.status_code == 200
    assert "thanks@v1" in changed.text
    for address in ("/", "/runs/latest", "/compare", "/templates"):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    "address", ["/templates/none", "/templates/thanks?text=b2:0", "/templates/thanks/diff?a=x"]
)
def test_there_is_no_other_text(viewed: Viewed, address: str) -> None:
    assert viewed.client.get(address).status_code == 404
