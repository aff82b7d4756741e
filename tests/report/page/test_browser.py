"""The page in a real browser: from a disk, with no network, with and without JavaScript."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promptlab.report.html.report import report_page
from tests.chromium import AXE, launched

from .conftest import FILES, Made, lay_out, view_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.slow
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    "</script><svg onload=alert(1)>&lt;b&gt; \u202eright\u2066 \x1b[2J\x07 ]]> --> ${x} `x`"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return Chromium."""
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def file(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of the task as a file, with its charts."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(report_page(made.view), encoding="utf-8")
    return path


class Watched:
    """A page opened from a disk with the network cut, and everything that it said."""

    def __init__(self, browser: Browser, file: Path, **options: Any) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        self.context: BrowserContext = browser.new_context(offline=True, **options)
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.url = file.as_uri()
        self.page.goto(self.url)

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def is_visible(self, id_: str) -> bool:
        return bool(self.page.locator(f'[id="{id_}"]').is_visible())


def test_it_opens_from_a_disk_and_a_cell_by_keys_alone(browser: Browser, file: Path) -> None:
    with Watched(browser, file) as it:
        assert it.asked == [it.url]
        cell = it.page.locator("#heat tbody tr").first.locator("td a").first
        address = (cell.get_attribute("href") or "")[1:]
        assert not it.is_visible(address)
        cell.focus()
        it.page.keyboard.press("Enter")
        assert it.is_visible(address)
        assert it.page.locator(f'[id="{address}"] .output').first.is_visible()
        assert it.said == []
        assert it.asked == [it.url]


def test_a_permanent_address_opens_what_it_names(browser: Browser, file: Path, made: Made) -> None:
    [digest, *_] = [arm["digest"] for arm in made.document["matrix"]["arms"]]
    with Watched(browser, file) as it:
        it.page.goto("about:blank")
        it.page.goto(f"{it.url}#c07--{digest}")
        assert it.is_visible(f"c07--{digest}")
        assert not it.is_visible(f"c08--{digest}")
        assert it.said == []


def test_the_case_the_outputs_and_the_hunk_are_three_keys_away(
    browser: Browser, file: Path
) -> None:
    with Watched(browser, file) as it:
        flip = it.page.locator("#conclusion .flips a[href^='#case-']").first
        address = (flip.get_attribute("href") or "")[1:]
        flip.focus()
        it.page.keyboard.press("Enter")
        case = it.page.locator(f'[id="{address}"]')
        assert case.locator(".two pre").first.is_visible()
        assert case.locator(".two ins, .two del").count() > 0
        hunk = case.locator("a[href^='#step-']").first
        target = (hunk.get_attribute("href") or "")[1:]
        hunk.focus()
        it.page.keyboard.press("Enter")
        assert it.page.url.endswith(f"#{target}")
        assert it.page.locator(f'[id="{target}"] pre').is_visible()
        assert it.said == []


def test_the_filter_narrows_cases_down(browser: Browser, file: Path, made: Made) -> None:
    rows = made.document["matrix"]["cases"]
    flips = sum(row["flips"] for row in rows)
    with Watched(browser, file) as it:
        shown = it.page.locator("#heat tbody tr:visible")
        assert shown.count() == len(rows)
        it.page.select_option("#kind", "flips")
        assert shown.count() == flips < len(rows)
        it.page.select_option("#kind", "all")
        it.page.fill("#find", "c07")
        assert shown.count() == 1
        assert it.page.locator(".case-box:visible").count() == 1
        assert it.page.locator("#found").inner_text() == f"1 of {len(rows)} cases"
        it.page.fill("#find", "odd")  # a tag
        assert shown.count() == sum("odd" in row["tags"] for row in rows)
        assert it.said == []


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_theme_can_be_switched_without_script_too(
    browser: Browser, file: Path, script: bool
) -> None:
    with Watched(browser, file, color_scheme="light", java_script_enabled=script) as it:
        paper = "getComputedStyle(document.body).backgroundColor"
        assert it.page.evaluate(paper) == "rgb(255, 255, 255)"
        it.page.locator("label", has=it.page.locator("#theme-dark")).click()
        assert it.page.evaluate(paper) == "rgb(21, 24, 27)"
        dot = "getComputedStyle(document.querySelector('.chart path[fill=\"#1d5c99\"]')).fill"
        assert it.page.evaluate(dot) == "rgb(121, 179, 238)"
        assert it.said == []


def test_without_script_everything_is_there(browser: Browser, file: Path) -> None:
    counts, texts = [], []
    for script in (True, False):
        with Watched(browser, file, java_script_enabled=script) as it:
            main = it.page.locator("main")
            texts.append(main.text_content())
            counts.append([main.locator(kind).count() for kind in ("table", "svg", "p", "pre")])
            assert it.said == []
            if not script:
                link = it.page.locator("#heat tbody tr").first.locator("td a").first
                link.click()
                assert it.is_visible((link.get_attribute("href") or "")[1:])
    assert texts[0] == texts[1] != ""
    assert counts[0] == counts[1]
    assert min(counts[0]) > 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_axe_finds_nothing(browser: Browser, file: Path, width: int, scheme: str) -> None:
    viewport = {"width": width, "height": 900}
    with Watched(browser, file, viewport=viewport, color_scheme=scheme) as it:
        it.page.evaluate(
            "for (const each of [...document.querySelectorAll('details')].slice(0, 40))"
            " each.open = true"
        )
        it.page.evaluate(AXE.read_text(encoding="utf-8"))
        found = it.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        told = [
            (rule["id"], rule["impact"], rule["nodes"][0]["html"][:200], len(rule["nodes"]))
            for rule in found["violations"]
        ]
        assert told == []
        assert it.page.evaluate("document.documentElement.scrollWidth") <= width


def test_hostile_outputs_do_nothing(browser: Browser, tmp_path: Path) -> None:
    files = {
        **FILES,
        "templates/task/v1.j2": "{{ rank }} #v1 {{ text }}\n",
        "templates/task/v2.j2": "again: {{ rank }} #v2 {{ text }}\n",
        "templates/task/v3.j2": "once more: {{ rank }} #v3 {{ text }}\n",
        "suites/cases.jsonl": _hostile_cases(),
    }
    root = lay_out(tmp_path, files)
    # Not in this process, in which playwright has a loop of its own.
    command = [sys.executable, "-m", "promptlab", "--project", str(root), "run", "task", "--json"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    path = tmp_path / "hostile.html"
    path.write_text(report_page(view_of(root)), encoding="utf-8")
    with Watched(browser, path) as it:
        assert it.page.title() == "task: right"
        assert it.page.locator("img, iframe, object, embed, main script").count() == 0
        link = it.page.locator("#heat tbody tr").first.locator("td a").first
        link.click()
        assert "<img src=x onerror=" in (it.page.locator(".output pre").first.text_content() or "")
        assert it.said == []
        assert it.asked == [it.url, *it.asked[1:]]
        assert all(url.startswith(it.url) for url in it.asked)


def _hostile_cases() -> str:
    import json

    from .conftest import RANGES

    rows = [
        {
            "id": f"{HOSTILE[:40]}{place}",
            "vars": {"rank": place, "range": RANGES, "text": HOSTILE},
            "expect": HOSTILE,
            "tags": [HOSTILE],
            "group": f"{HOSTILE}{place}",
        }
        for place in range(20)
    ]
    return "".join(f"{json.dumps(row)}\n" for row in rows)
