"""How long a user waits for a local model: until it is ready, and until the first answer.

    python bench/model_start.py

Every figure is that of a process of its own, from its start: one that only opens the model, and
the command `promptlab run` in a new project, until its first answer is in the database. The weights
are converted, and the files read, before the clock starts. Ends with 1 where a median misses its
bar.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
RUNS = 7
READY_S = 2.0
ANSWER_S = 4.0

OPEN = f"""
import asyncio
from promptlab.backends.hf import HuggingFace, Options
asyncio.run(HuggingFace({MODEL!r}, Options()).open())
print("ready", flush=True)
"""
FILES = {
    "promptlab.toml": f'[backends.local]\nkind = "hf"\nmodel = "{MODEL}"\n',
    "templates/mood/v1.j2": "Is this review positive or negative? Say one word.\n\n{{ review }}\n",
    "suites/mood.yaml": """
templates: ["mood@*"]
backends: [local]
cases:
  - {id: praise, review: "I laughed, I cried, I went again.", expect: positive}
  - {id: blame, review: "Two hours that nobody will give me back.", expect: negative}
scorers:
  - contains: {any: ["{{ expect }}"]}
sampling: {temperature: 0, max_tokens: 8}
""",
}


def seconds_until_ready() -> float:
    """Open the model in a fresh process."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, "-c", OPEN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        seconds = time.perf_counter() - began
    if said != b"ready\n":
        raise SystemExit("the model does not open")
    return seconds


def seconds_until_answered() -> float:
    """Run a small suite in a new project; look for the first answer in its database."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in FILES.items():
            file = Path(folder, name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "promptlab", "run", "mood"]
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE) as process:
            while not answered(Path(folder, "promptlab.db")):
                if process.poll() is not None:
                    raise SystemExit("the command ended without an answer")
                time.sleep(0.01)
            return time.perf_counter() - began


def answered(database: Path) -> bool:
    """Tell whether an answer is stored."""
    if not database.is_file():
        return False
    store = sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)
    try:
        (found,) = store.execute("SELECT EXISTS (SELECT 1 FROM generations)").fetchone()
    except sqlite3.OperationalError:  # it is being made
        return False
    finally:
        store.close()
    return bool(found)


def judge(name: str, measure: Callable[[], float], bar_s: float) -> bool:
    """Measure several times, print the figures, and tell whether the bar is met."""
    times = sorted(measure() for _ in range(RUNS))
    median = statistics.median(times)
    print(f"{name}: median {median:.2f} s, from {times[0]:.2f} to {times[-1]:.2f} s; bar {bar_s} s")
    return median < bar_s


def main() -> int:
    print(f"first opening (converts the weights if need be): {seconds_until_ready():.2f} s")
    seconds_until_answered()
    ready = judge("process to a model that is ready", seconds_until_ready, READY_S)
    answer = judge("command to the first answer", seconds_until_answered, ANSWER_S)
    return 0 if ready and answer else 1


if __name__ == "__main__":
    sys.exit(main())
