"""Long answers: memory is bounded by bytes, however many answers there are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from promptlab.store import Store
from tests.store.conftest import Clock

ANSWERS = 300
MOST_MB = 260  # of which an empty run takes 80

# Blanks stand wide apart, so that nothing here is quick because lines are short.
_BACKEND = """
import asyncio, zlib
from promptlab.backends import Capacity
from promptlab.backends.echo import Echo
from promptlab.core.types import Completion, Outcome

class Long(Echo):
    capacity = Capacity(16, 1)

    async def generate(self, requests):
        for request in requests:
            await asyncio.sleep(0)
            mark = f"{zlib.crc32(request.key.encode()):08x}"
            yield request, Completion(Outcome.OK, mark * 125_000)
"""


# A process starts with the peak of the one that forked it: this small one stands between.
_MEASURED = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


def peak_mb(*words: str) -> tuple[float, bytes]:
    """Run promptlab to its good end; return the most memory that it took, and its output."""
    command = [sys.executable, "-m", "promptlab", *words]
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", _MEASURED, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    size, last = 0, b""
    while part := process.stdout.read(1_000_000):
        size, last = size + len(part), part
    told = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.wait() == 0, told
    peak = int(told.split()[-1])
    return peak / (1e6 if sys.platform == "darwin" else 1e3), last


@pytest.mark.slow
def test_answers_of_a_megabyte_do_not_pile_up(tmp_path: Path) -> None:
    (tmp_path / "templates/t").mkdir(parents=True)
    (tmp_path / "suites").mkdir()
    (tmp_path / "long.py").write_text(_BACKEND)
    (tmp_path / "promptlab.toml").write_text('[backends.long]\nkind = "long:Long"\n')
    (tmp_path / "templates/t/v1.j2").write_text("Say {{ n }}")
    (tmp_path / "suites/s.yaml").write_text(
        'templates: ["t@*"]\nbackends: [long]\ncases: c.jsonl\nscorers: [length]\n'
    )
    cases = "\n".join(json.dumps({"id": f"c{n}", "n": n}) for n in range(ANSWERS))
    (tmp_path / "suites/c.jsonl").write_text(cases)
    project = ("--project", str(tmp_path))
    for words in ("run s", "run s --offline", "show --json", "show --json --full"):
        mb, out = peak_mb(*project, *words.split())
        assert mb < MOST_MB, words
        assert out.endswith(b"]\n}\n") or not words.startswith("show")
    assert Store.verify_file(tmp_path / "promptlab.db", Clock()) == []
