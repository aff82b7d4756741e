"""The browser that pages are tested in: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

AXE = Path(__file__).parents[1] / ".venv/npm/node_modules/axe-core/axe.min.js"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@contextmanager
def launched() -> Iterator[Browser]:
    """Start Chromium; a developer's machine may have none, a build must."""
    chromium = shutil.which("chromium")
    if chromium is None or not AXE.exists():
        assert os.environ.get("CI") != "true", "`make test-slow` installs Chromium and axe-core"
        pytest.skip("no chromium or no axe-core here: `make test-slow` installs both")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield found
        found.close()
