"""Does `loglikelihood` choose as lm-eval does? 200 cases of BIG-Bench-Hard, answered both ways.

    BENCH_LMEVAL_PY=.../python python bench/likelihood.py [--cases 200]

The cases are those of ../shared/data/bbh_tasks (yes or no, and choices of up to six). Ours go
through the command line: a project is made in a folder that is thrown away, `promptlab run` asks
how likely each option is, `show --full --json` tells what was asked and found. lm-eval is then
given the same prompts and options. BENCH_LMEVAL_PY names a Python that has it. Ends with 1 where a
choice differs whose options are not tied.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

TASKS = Path(__file__).resolve().parents[2] / "shared" / "data" / "bbh_tasks"
MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
CHOICES = ("navigate", "snarks", "causal_judgement", "date_understanding")
LETTER = re.compile(r"^(\([A-Z]\)) ", re.MULTILINE)
TIED = 1e-3  # of a log-probability: what two orders of summing may differ by

PROJECT = """\
[backends.local]
kind = "hf"
model = "{model}"
"""
TEMPLATE = "{{ question }}\n\nAnswer with one of the options alone.\n"
SUITE = """\
templates: [choice]
cases: cases.jsonl
backends: [local]
scorers: [loglikelihood]
"""


def main() -> int:
    """Ask both, compare, judge."""
    parser = argparse.ArgumentParser(description="Compare choices by likelihood with lm-eval's.")
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--model", help="a folder of safetensors; SmolLM2-135M without")
    parser.add_argument("--child", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        return child(arguments.child, arguments.model)
    if not TASKS.is_dir():
        print(f"the cases are not there: {TASKS}")
        return 0
    model = arguments.model or converted()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        turns = ours(Path(folder), model, arguments.cases)
        print(f"promptlab, with starting: {time.perf_counter() - began:.1f} s")
        theirs = asked_of_lm_eval(Path(folder), model, turns)
    return judge(turns, theirs)


def cases(count: int) -> list[dict[str, Any]]:
    """Return cases of all tasks by turns, each with its options."""
    tasks = [json.loads((TASKS / f"{name}.json").read_text())["examples"] for name in CHOICES]
    named = [[(name, each) for each in task] for name, task in zip(CHOICES, tasks, strict=True)]
    mixed = [pair for pair in chain.from_iterable(zip_longest(*named)) if pair is not None]
    found = []
    for place, (name, example) in enumerate(mixed[:count]):
        options = LETTER.findall(example["input"]) or ["Yes", "No"]
        given = {"question": example["input"], "options": options}
        found.append({"id": f"{name}_{place}", "vars": given, "expect": example["target"]})
    return found


def ours(folder: Path, model: str, count: int) -> list[dict[str, Any]]:
    """Run a project on the cases; return the turn of each, with messages and likelihoods."""
    (folder / "templates" / "choice").mkdir(parents=True)
    (folder / "suites").mkdir()
    (folder / "promptlab.toml").write_text(PROJECT.format(model=model))
    (folder / "templates" / "choice" / "v1.j2").write_text(TEMPLATE)
    (folder / "suites" / "choice.yaml").write_text(SUITE)
    rows = [json.dumps(case) + "\n" for case in cases(count)]
    (folder / "suites" / "cases.jsonl").write_text("".join(rows))
    spoken = promptlab(folder, "run", "choice", "--json")
    [arm] = spoken["arms"]
    [score] = arm["scores"]
    print(f"right by promptlab: {score['mean'] * 100:.1f} % of {arm['trials']}")
    shown = promptlab(folder, "show", "--full", "--json")["results"]
    return [result["turns"][-1] for result in shown]


def promptlab(folder: Path, *words: str) -> dict[str, Any]:
    """Run the command line in a project; return the document that it prints."""
    command = [sys.executable, "-m", "promptlab", *words]
    ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, check=True)
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def asked_of_lm_eval(folder: Path, model: str, turns: list[dict[str, Any]]) -> list[list[float]]:
    """Return the log-probabilities that lm-eval finds, turn by turn."""
    python = os.environ.get("BENCH_LMEVAL_PY")
    if not python:
        raise SystemExit("BENCH_LMEVAL_PY names no Python that has lm-eval")
    asked = [
        {"messages": turn["messages"], "options": [each["text"] for each in turn["likelihoods"]]}
        for turn in turns
    ]
    file = folder / "asked.json"
    file.write_text(json.dumps(asked))
    command = [python, __file__, "--child", str(file), "--model", model]
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    subprocess.run(command, env=environ, check=True, stderr=subprocess.DEVNULL)
    told = json.loads(file.read_text())
    print(f"lm-eval, loaded: {told['seconds']:.1f} s")
    found: list[list[float]] = told["found"]
    return found


def child(file: Path, model: str) -> int:
    """Ask lm-eval, and write down what it finds in place of what was asked."""
    harness = import_module("lm_eval.models.huggingface")
    lm = harness.HFLM(pretrained=model, device="cpu", dtype="float32", batch_size=16)
    instance = import_module("lm_eval.api.instance").Instance
    requests: list[Any] = []
    asked = json.loads(file.read_text())
    for turn in asked:
        context = lm.apply_chat_template(turn["messages"])
        for option in turn["options"]:
            about = {"request_type": "loglikelihood", "doc": {}, "idx": len(requests)}
            requests.append(instance(arguments=(context, option), **about))
    began = time.perf_counter()
    answers = iter(lm.loglikelihood(requests))
    seconds = time.perf_counter() - began
    found = [[next(answers)[0] for _ in turn["options"]] for turn in asked]
    file.write_text(json.dumps({"seconds": seconds, "found": found}))
    return 0


def judge(turns: list[dict[str, Any]], theirs: list[list[float]]) -> int:
    """Compare the choices; say how far log-probabilities are apart."""
    largest, unlike, ties = 0.0, 0, 0
    for turn, their in zip(turns, theirs, strict=True):
        our = [each["logprob"] for each in turn["likelihoods"]]
        largest = max([largest, *(abs(a - b) for a, b in zip(our, their, strict=True))])
        chosen, other = our.index(max(our)), their.index(max(their))
        if chosen != other:
            tied = their[other] - their[chosen] < TIED
            ties += tied
            unlike += not tied
    print(f"{len(turns)} cases, {sum(map(len, theirs))} options:")
    print(f"  {unlike} choices differ, {ties} more where options are tied")
    print(f"  log-probabilities differ by {largest:.2g} at most")
    return 1 if unlike else 0


def converted() -> str:
    """Return the folder of the embedded model, converted now if it is not yet."""
    return str(import_module("local").converted())


if __name__ == "__main__":
    raise SystemExit(main())
