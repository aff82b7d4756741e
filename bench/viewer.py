"""What a page of the viewer takes at the server, over the database that `million.py` keeps.

    python bench/viewer.py FOLDER [--rounds 5]

Every page is asked for once, and then so many times more; the median of these is held against
0.3 s. What takes longer the first time is told: a comparison is computed then, a queue drawn.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import sqlite3
import sys
import time
from pathlib import Path
from statistics import median

from starlette.testclient import TestClient

from promptlab.viewer.app import make_app
from promptlab.viewer.desk import Desk
from promptlab.workbench.session import Session

BAR_S = 0.3


def pages(wide: str) -> tuple[str, ...]:
    """Return what is asked for: of the newest run, 200,000 trials, and of a wide one, 400,000."""
    newest, wide = "/runs/latest", f"/runs/{wide}"
    return (
        *("/", newest, wide, f"{newest}/cases", f"{wide}/cases", f"{wide}/cases?after=90000"),
        *(f"{newest}/cases?changed=regressed", f"{wide}/cases?changed=fixed"),
        *(f"{newest}/trials", f"{wide}/trials?after=399000", f"{newest}/trials?only=failed"),
        *(f"{wide}/trials?only=failed&after=300000", f"{newest}/trials?case=c77777"),
        *(f"{wide}/trials?outcome=error", f"{newest}/cell?at=c5000", f"{newest}/notes"),
        *("/search?q=battery", f"/search?q=case+77777&run={wide.rpartition('/')[2]}"),
        *("/search?q=battery&skip=3000", "/templates", "/compare", f"{newest}/review"),
    )


def fails(error: Exception) -> str:
    """Raise a bug instead of keeping it."""
    raise error


def main() -> int:
    """Ask for every page, and judge."""
    parser = argparse.ArgumentParser(description="Measure the pages of the viewer.")
    parser.add_argument("folder", type=Path, help="the folder of bench/million.py --folder")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    desk = Desk(Session(database=asked.folder / "million.db"))
    client = TestClient(make_app(desk, fails), base_url="http://127.0.0.1")
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
        f" Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; load before: {load}"
    )
    listed = re.findall(r'href="/runs/([^"/?]+)"', client.get("/").text)
    client.get("/search?q=battery")  # which makes the index, or reads on
    print("| page | first s | then s | kB |")
    print("|---|---:|---:|---:|")
    missed = False
    for page in pages(listed[1]):
        taken, size = [], 0
        for _ in range(1 + asked.rounds):
            began = time.perf_counter()
            answer = client.get(page)
            taken.append(time.perf_counter() - began)
            assert answer.status_code == 200, page
            size = len(answer.content)
        then = median(taken[1:])
        missed |= then > BAR_S
        shown = page.replace(listed[1], "WIDE")
        print(f"| {shown} | {taken[0]:.2f} | {then:.3f} | {size / 1e3:.0f} |")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
