"""How long a user waits for a local model: the start of the process, and its second opening.

    python bench/model_start.py

Every figure is that of a process of its own. The weights are converted before the clock starts.
Ends with 1 where the median opening takes 3 s or more.
"""

from __future__ import annotations

import statistics
import subprocess
import sys

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
RUNS = 5
BAR_S = 3.0

OPEN = f"""
import asyncio, time
begun = time.perf_counter()
from promptlab.backends.hf import HuggingFace, Options
model = HuggingFace({MODEL!r}, Options())
asyncio.run(model.open())
print(time.perf_counter() - begun)
"""


def seconds_to_open() -> float:
    """Open the model in a fresh process; count from its first import of promptlab."""
    ran = subprocess.run([sys.executable, "-c", OPEN], check=True, capture_output=True, text=True)
    return float(ran.stdout)


def main() -> int:
    print(f"first opening (converts the weights where they are not yet): {seconds_to_open():.2f} s")
    times = sorted(seconds_to_open() for _ in range(RUNS))
    median = statistics.median(times)
    print(f"later openings: median {median:.2f} s, from {times[0]:.2f} to {times[-1]:.2f} s")
    return 0 if median < BAR_S else 1


if __name__ == "__main__":
    sys.exit(main())
