"""The viewer in a real browser: searched, paged, rated by keys, followed while a run goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promptlab.store import Store
from promptlab.workbench.session import Session
from tests.chromium import AXE, launched

from .conftest import FILES, cases

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow
PROMPTLAB = [sys.executable, "-m", "promptlab"]
MANY = "".join(
    json.dumps({"id": f"m{n:03}", "vars": {"name": f"Ada {n}", "gift": "lamp", "rank": n % 12}})
    + "\n"
    for n in range(120)
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium."""
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with a run, and a suite whose runs outlast some looks of an idle page."""
    root = tmp_path_factory.mktemp("browsed")
    slow = 'templates: ["thanks@v1..v2"]\nbackends: [slow]\ncases: many.jsonl\n'
    files = {
        **FILES,
        "suites/cases.jsonl": cases(),
        "suites/many.jsonl": MANY,
        "suites/slow.yaml": f"{slow}scorers: [{{length: {{unit: words, max: 9}}}}]\n",
        "promptlab.toml": '[backends.slow]\nkind = "echo"\ndelay_s = 3\n',
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    subprocess.run(
        [*PROMPTLAB, "run", "thanks", "--json"], cwd=root, check=True, capture_output=True
    )
    return root


class Served:
    """A viewer in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [*PROMPTLAB, "view", "--no-browser"],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", self.process.stdout.readline())
        assert found is not None
        self.address = found[0]

    def stop(self) -> tuple[int, str]:
        """Press Ctrl-C; return the exit code and what was said of it."""
        self.process.send_signal(signal.SIGINT)
        _, err = self.process.communicate(timeout=20)
        return self.process.returncode, err


@pytest.fixture(scope="module")
def served(project: Path) -> Iterator[Served]:
    """Return a viewer of the project."""
    served = Served(project)
    yield served
    assert served.stop() == (0, "")


class Tab:
    """A page of the viewer, with everything that the browser said about it."""

    def __init__(self, browser: Browser, address: str, path: str, **options: Any) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(15_000)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address + path)

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def text(self) -> str:
        """Return what the page shows."""
        return str(self.page.locator("main").inner_text())


PATHS = (
    *("/", "/runs/latest", "/runs/latest/cases", "/runs/latest/trials?tag=odd", "/compare"),
    *("/runs/latest/cell?at=c03", "/search?q=lamp3", "/runs/latest/review?kind=pairs"),
    *("/runs/latest/review", "/runs/latest/notes", "/templates", "/templates/thanks"),
    *("/templates/thanks/diff", "/runs/nothing"),
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing(browser: Browser, served: Served, width: int, scheme: str) -> None:
    told = []
    viewport = {"width": width, "height": 900}
    for path in PATHS:
        with Tab(browser, served.address, path, viewport=viewport, color_scheme=scheme) as tab:
            tab.page.evaluate(AXE.read_text(encoding="utf-8"))
            found = tab.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            told += [
                (path, rule["id"], rule["impact"], rule["nodes"][0]["html"][:150])
                for rule in found["violations"]
            ]
            assert tab.page.evaluate("document.documentElement.scrollWidth") <= width, path
            said = [line for line in tab.said if "404" not in line]
            assert said == [], path
            assert all(url.startswith(served.address) for url in tab.asked)
    assert told == []


def test_hostile_outputs_do_nothing(browser: Browser, served: Served) -> None:
    with Tab(browser, served.address, "/search?q=turned") as tab:
        for _ in range(2):
            assert "onerror" in tab.page.content()
            assert tab.page.locator("img").count() == 0
            assert tab.said == []
            link = tab.page.locator(".hits a").first
            if link.count():
                link.click()
        assert "<img src=x onerror=alert(1)>" in tab.text()


def test_words_are_searched_and_lead_to_the_conversation(browser: Browser, served: Served) -> None:
    with Tab(browser, served.address, "/") as tab:
        tab.page.keyboard.press("Tab")  # past the head: the first link skips it
        tab.page.get_by_role("searchbox").first.fill("lamp7")
        tab.page.keyboard.press("Enter")
        tab.page.locator(".hits a").first.click()
        assert "Case c07" in tab.text()
        tab.page.locator(".of-cell summary").first.click()
        assert "Dear Ada 7" in tab.text()
        assert tab.said == []


def ratings(root: Path) -> list[tuple[tuple[int, ...], str | None]]:
    """Return what is stored of the newest run with ratings: of what, and the verdict."""
    with closing(Store.open(root / "promptlab.db", Session.now, readonly=True)) as store:
        runs = [info.run_id for info in store.runs()]
        found = [each for run_id in runs for each in store.ratings.standing(run_id)]
        return [(each.trials, each.opinion.verdict) for each in found]


@pytest.mark.parametrize("script", [True, False])
def test_ten_pairs_are_rated(browser: Browser, served: Served, project: Path, script: bool) -> None:
    run_id = _thanks(project)
    rater = "keys" if script else "buttons"
    path = f"/runs/{run_id}/review?kind=pairs&rater={rater}"
    before = len(ratings(project))
    keys = ("ArrowLeft", "ArrowRight", "t")
    names = ("Left is better", "Right is better", "Neither")
    with Tab(browser, served.address, path, java_script_enabled=script) as tab:
        for place in range(10):
            tab.page.get_by_text(f"pair {place + 1} of 39, {place} rated by {rater}").wait_for()
            if script:
                tab.page.keyboard.press(keys[place % 3])
            else:
                tab.page.get_by_role("button", name=names[place % 3]).click()
        tab.page.get_by_text(f"pair 11 of 39, 10 rated by {rater}").wait_for()
        if script:
            tab.page.keyboard.press("n")
            tab.page.keyboard.type("p t: torn")  # letters are letters while somebody writes
            tab.page.keyboard.press("Enter")
            note = tab.page.get_by_label("Note (n)").and_(tab.page.locator("[value='p t: torn']"))
            note.wait_for()
        assert tab.said == []
    verdicts = [verdict for _, verdict in ratings(project)[before:]]
    assert verdicts[:10] == ["left", "right", "tie"] * 3 + ["left"]
    assert verdicts[10:] == ([None] if script else [])  # a note is no verdict


def test_two_browsers_rate_at_once_and_nothing_is_lost(
    browser: Browser, served: Served, project: Path
) -> None:
    path = f"/runs/{_thanks(project)}/review"
    before = len(ratings(project))
    with (
        Tab(browser, served.address, f"{path}?rater=eve") as one,
        Tab(browser, served.address, f"{path}?rater=bob") as other,
    ):
        for place in range(4):
            for tab, name in ((one, "eve"), (other, "bob")):
                tab.page.get_by_text(f"{place} rated by {name}").wait_for()
                tab.page.keyboard.press("p")
        one.page.get_by_text("4 rated by eve").wait_for()
        other.page.get_by_text("4 rated by bob").wait_for()
    assert len(ratings(project)) - before == 8
    again = Served(project)  # closed and opened again
    with Tab(browser, again.address, f"{path}?rater=eve") as tab:
        assert "4 rated by eve" in tab.text()
    assert again.stop() == (0, "")


def test_a_run_is_followed_until_it_has_finished(
    browser: Browser, served: Served, project: Path
) -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    run = subprocess.Popen(
        [*PROMPTLAB, "run", "slow", "--json"],
        cwd=project,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        with Tab(browser, served.address, "/") as tab:
            tab.page.get_by_label("Progress of run").wait_for()  # the list finds it by itself
            tab.page.locator("tr", has=tab.page.locator("progress")).get_by_role("link").click()
            tab.page.locator(".state progress").wait_for()
            seen = {tab.page.locator(".state").inner_text()}
            assert "of 240 trials" in seen.pop()
            tab.page.locator(".status.finished").wait_for(timeout=60_000)
            assert "length" in tab.text()
            assert tab.page.locator("[data-live]").count() == 0
            assert tab.page.locator("progress").count() == 0
            assert tab.said == []
        assert run.wait(30) == 0
    finally:
        run.kill()


def _thanks(project: Path) -> str:
    with closing(Store.open(project / "promptlab.db", Session.now, readonly=True)) as store:
        return next(info.run_id for info in store.runs() if info.suite == "thanks")
