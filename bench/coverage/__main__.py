"""The command: which themes, how many runs, and the table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import scipy

from bench.coverage.frame import Held, Setting, Share
from bench.coverage.work import results, themes

RUNS = 4_000
SHARES = ("coverage", "at_once", "false", "refused", "found")
HEAD = ("covers", "at once", "false", "refused", "found")


def environment() -> str:
    """Say what the figures were taken on."""
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return (
        f"{machine}, Python {platform.python_version()}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}"
    )


def options(known: Mapping[str, ModuleType]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.coverage", description="Simulate what the statistics hold."
    )
    parser.add_argument("theme", nargs="*", help=", ".join(known))
    parser.add_argument("--runs", type=int, default=RUNS, help="of each setting")
    parser.add_argument("--only", default="", help="settings whose label has this text")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    unknown = [name for name in asked.theme if name not in known]
    if unknown:
        parser.error(f"no theme {unknown[0]!r}: there are {', '.join(known)}")
    return asked


def line(label: str, columns: list[str], width: int) -> str:
    """Return a line of the table."""
    return f"{label:{width}}" + "".join(f"{column:>11}" for column in columns).rstrip()


def cells(one: Held) -> list[str]:
    """Return what a setting held, column by column."""

    def told(share: Share | None) -> str:
        return "-" if share is None else str(share)

    shown = [told(one.shares[name]) for name in SHARES]
    plain = [told(one.plain.get(name)) for name in ("coverage", "false", "found")]
    return [*shown, *plain, str(one.against), told(one.lost)]


def said(one: Held) -> str:
    """Say whether a setting holds, and what falls short."""
    parts = [f"MISSED {text}" for text in one.missed]
    parts += [f"SHORT, known: {text}" for text in one.short]
    return "; ".join(parts) or "holds"


def summary(found: Sequence[Held]) -> str:
    """Say what was least and most among the settings of a theme."""
    said = []
    for text, name, sign in (
        ("covers at least", "coverage", -1),
        ("all at once at least", "at_once", -1),
        ("false at most", "false", 1),
        ("power lost at most", "lost", 1),
    ):
        known = [
            (share, one.label)
            for one in found
            for share in [one.lost if name == "lost" else one.shares[name]]
            if share is not None
        ]
        if known:
            share, label = max(known, key=lambda pair: sign * pair[0].value)
            said.append(f"{text} {share} ({label})")
    return "; ".join(said)


def print_theme(theme: str, module: ModuleType, asked: argparse.Namespace) -> list[str]:
    """Print the table of one theme as it comes; return the labels of what fell short."""
    settings: list[Setting[Any]] = list(module.settings())
    places = [place for place, one in enumerate(settings) if asked.only in one.label]
    if not places:
        return []
    width = max(len(settings[place].label) for place in places) + 1
    print(f"\n{theme}: {(module.__doc__ or theme).splitlines()[0]}")
    columns = [*HEAD, "plain cov.", "false", "found", "against", "lost"]
    print(f"{line('', columns, width)}  holds")
    short, found = [], []
    for one in results(theme, places, asked.runs, asked.seed, asked.jobs):
        found.append(one)
        verdict = said(one)
        marks = ", ".join(
            f"{name} {share}"
            for name, share in one.marks.items()
            if share is not None and name in settings_marks(settings, one.label)
        )
        runs = "" if one.runs == asked.runs else f" ({one.runs:,} runs)"
        extra = f"  [{marks}]" if marks else ""
        print(f"{line(one.label, cells(one), width)}  {verdict}{runs}{extra}", flush=True)
        for example in one.examples:
            print(f"    {example}")
        short += [f"{theme}: {one.label}"] * bool(one.missed)
    print(f"{theme}: {summary(found)}")
    return short


def settings_marks(settings: list[Setting[Any]], label: str) -> set[str]:
    """Return which further shares a setting asks for: those are printed."""
    keep = next(one.keep for one in settings if one.label == label)
    return {*keep.marks, *keep.at_most, *keep.stated}


def main() -> int:
    """Simulate, print, judge."""
    known = themes()
    asked = options(known)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the processes share the cores, not each all of them
    print(environment())
    began = time.perf_counter()
    short = [
        label for name in asked.theme or known for label in print_theme(name, known[name], asked)
    ]
    seconds = time.perf_counter() - began
    print(f"\n{asked.runs:,} runs a setting, seed {asked.seed}, {seconds:.0f} s")
    print(*(f"fell short: {label}" for label in short), sep="\n")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
