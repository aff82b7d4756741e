"""Would likelihood scores help as a control variate? Measured on a local model and 72 reviews.

    python -m bench.control_variate

A control variate needs a second score whose mean is known better than that of the first: here the
likelihood of the right answer, known on more cases than were answered. With rho the correlation of
both differences, case by case, cases answered at a cost of 1 and likelihoods at a cost of c, the
least variance for the same cost is (√(1 - rho²) + rho·√c)² of what answers alone give: below 1 only
where c < ((1 - √(1 - rho²))/rho)². Prints rho and that limit for pairs of versions, greedy and
sampled, and as c what a likelihood reads of an answer's tokens: its prompt, and the right answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from itertools import combinations
from math import exp, sqrt
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
VERSIONS = ("v1", "v2", "v3", "v5")
MODEL = "smollm2"

SUITE = """\
templates: [{templates}]
backends: [smollm2]
cases: cases.jsonl
scorers:
  - label: {{labels: [positive, negative], target: "{{{{ expect }}}}"}}
{likelihood}
sampling: {{temperature: {temperature}, max_tokens: 8}}
repeats: {repeats}
"""
LIKELIHOOD = '  - mean_logprob: {text: "{{ expect }}"}'


def main() -> int:
    """Run both, correlate, weigh the costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder)
        for temperature, repeats in ((0, 1), (1, 4)):
            scores = measured(folder, temperature, repeats)
            print(f"temperature {temperature}, {repeats} repeats")
            for a, b in combinations(VERSIONS, 2):
                told(scores, a, b)
    return 0


def lay_out(folder: Path) -> None:
    """Make a project of the versions and the reviews."""
    (folder / "templates/sentiment").mkdir(parents=True)
    (folder / "suites").mkdir()
    for version in VERSIONS:
        text = (ROOT / f"templates/sentiment/{version}.j2").read_text()
        (folder / f"templates/sentiment/{version}.j2").write_text(text)
    reviews = (ROOT / "suites/data/sentiment.jsonl").read_text()
    (folder / "suites/cases.jsonl").write_text(reviews)
    config = (ROOT / "pyproject.toml").read_text().partition("[tool.promptlab")
    table = (config[1] + config[2]).partition("\n\n")[0]
    (folder / "promptlab.toml").write_text(table.replace("tool.promptlab.", ""))


def measured(folder: Path, temperature: int, repeats: int) -> dict[tuple[str, str], Any]:
    """Return arrays of shape (cases, repeats) by version and scorer."""
    templates = ", ".join(f"sentiment@{version}" for version in VERSIONS)
    given = {"templates": templates, "temperature": temperature, "repeats": repeats}
    suite = SUITE.format(likelihood=LIKELIHOOD, **given)
    (folder / "suites/s.yaml").write_text(suite)
    promptlab(folder, "run", "s", "--json")
    found: dict[tuple[str, str], dict[str, list[float]]] = {}
    rows = promptlab(folder, "show", "--json")["results"]
    used = [row for row in rows if row["scorer"] == "label"]
    read, written = (sum(row[f"{name}_tokens"] for row in used) for name in ("input", "output"))
    print(f"c = {(read + len(used)) / (read + written):.2f}")
    for row in rows:
        by_case = found.setdefault((row["version"], row["scorer"]), {})
        value = row["score"] or 0.0
        likely = exp(value) if row["scorer"] == "mean_logprob" else value
        by_case.setdefault(row["case_id"], []).append(likely)
    return {key: np.array([cases[name] for name in sorted(cases)]) for key, cases in found.items()}


def told(scores: dict[tuple[str, str], Any], a: str, b: str) -> None:
    """Print what a control variate would change for one pair."""
    right = scores[b, "label"] - scores[a, "label"]
    likely = (scores[b, "mean_logprob"] - scores[a, "mean_logprob"]).mean(axis=1)
    rho = float(np.corrcoef(right.mean(axis=1), likely)[0, 1])
    one = float(np.mean([np.corrcoef(each, likely)[0, 1] for each in right.T]))
    limit = ((1 - sqrt(1 - one**2)) / one) ** 2 if one else 0.0
    print(
        f"  {b} against {a}: rho {rho:+.2f}, of one repeat {one:+.2f};"
        f" variance with endless likelihoods {1 - one**2:.2f}; pays below c = {limit:.3f}"
    )


def promptlab(folder: Path, *words: str) -> dict[str, Any]:
    """Run the command line in a project; return the document that it prints."""
    command = [sys.executable, "-m", "promptlab", "--project", str(folder), *words]
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    document: dict[str, Any] = json.loads(ran.stdout)
    return document


if __name__ == "__main__":
    sys.exit(main())
