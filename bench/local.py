"""How fast a local model answers through promptlab, beside other ways, on the same 200 prompts.

    python bench/local.py [--way promptlab --way lm-eval ...] [--reference one.json] [--long 2000]

The prompts are those of ../shared/bench (four templates by fifty reviews, greedy, 32 tokens at
most). Every way runs in a process of its own, on the same weights; its texts are compared with
those of `generate` called on one prompt after another, which `--reference` keeps for the next time.

    promptlab, promptlab-bf16   our backend, through its public interface
    pipeline                    transformers' pipeline, 16 prompts a batch
    lm-eval                     HFLM, 16 prompts a batch; BENCH_LMEVAL_PY names a Python that has it
    llama.cpp                   batched; needs BENCH_LLAMACPP_PY and --gguf, and the driver in
                                ../shared/bench

`--long N` has our backend answer N prompts that share 1,500 tokens. Ends with 1 where a bar is
missed: eight times as fast as lm-eval, as is asked for models of Llama's kind, every text equal,
1.5 times its memory; in bfloat16 ten times as fast, and no slower than llama.cpp.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

WORKLOAD = Path(__file__).resolve().parents[2] / "shared" / "bench"
MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
TOKENS = 32
THREADS = 2
MIN_SPEED_UP = {"promptlab": 8.0, "promptlab-bf16": 10.0}
MAX_MEMORY = 1.5
MAX_READ = 1.05
SHARED_TOKENS = 1500
# Runs a command from a small process: Linux counts the memory of who starts a process as its own.
LAUNCHER = """
import resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Result:
    """What a way said and took; `tokens` where it tells, `told` what else it tells."""

    texts: Sequence[str]
    seconds: float
    tokens: int | None
    peak_mb: float
    told: str


def main() -> int:
    """Run the ways that are there, compare, judge."""
    arguments = parse()
    if not (arguments.workload / "hf_workload.py").is_file():
        print(f"the workload is not there: {arguments.workload}/hf_workload.py")
        return 0
    sys.path.insert(0, str(arguments.workload))
    if arguments.child:
        return child(arguments.child, Path(arguments.model), Path(arguments.out))
    model = str(arguments.model or converted())
    with tempfile.TemporaryDirectory() as folder:
        results: dict[str, Result] = {}
        for way in arguments.way or default_ways(arguments):
            results[way] = run(way, model, Path(folder), arguments)
            print(f"{way}: {results[way].seconds:.1f} s", file=sys.stderr, flush=True)
        reference = read_reference(arguments, model, Path(folder))
        print_table(results, reference)
        missed = judge(results, reference)
        if arguments.long:
            long = run(f"long-{arguments.long}", model, Path(folder), arguments)
            print(long.told)
            missed += long.texts
    print("missed: " + "; ".join(missed) if missed else "every bar is met")
    return 1 if missed else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure local models beside other ways.")
    parser.add_argument("--way", action="append")
    parser.add_argument("--model", help="a folder of safetensors; SmolLM2-135M without")
    parser.add_argument("--gguf", help="a file for llama.cpp")
    parser.add_argument("--workload", type=Path, default=WORKLOAD)
    parser.add_argument("--reference", type=Path, help="where one-by-one texts are kept")
    parser.add_argument("--long", type=int, default=0)
    parser.add_argument("--child")
    parser.add_argument("--out")
    return parser.parse_args()


def default_ways(arguments: argparse.Namespace) -> list[str]:
    """Return the ways whose programs are there."""
    ways = ["promptlab", "promptlab-bf16", "pipeline"]
    if os.environ.get("BENCH_LMEVAL_PY"):
        ways.append("lm-eval")
    if os.environ.get("BENCH_LLAMACPP_PY") and arguments.gguf:
        ways.append("llama.cpp")
    return ways


def converted() -> Path:
    """Return the folder of the embedded model, converted now if it is not yet."""
    hf, cache = (
        import_module("promptlab.backends.hf"),
        import_module("promptlab.local_model.files.cache"),
    )
    asyncio.run(hf.HuggingFace(MODEL, hf.Options()).open())
    folder = cache.Cache(cache.cache_folder(os.environ, Path.home()))
    path: Path = import_module("promptlab.local_model.files.weights").find(MODEL, None, folder).path
    return path


def run(way: str, model: str, folder: Path, arguments: argparse.Namespace) -> Result:
    """Run a way in a process of its own, its output to a file."""
    out = folder / f"{way}.json"
    python = {"lm-eval": "BENCH_LMEVAL_PY", "llama.cpp": "BENCH_LLAMACPP_PY"}.get(way, "")
    command = [os.environ.get(python, sys.executable), __file__, "--child", way]
    command += ["--model", model, "--out", str(out), "--workload", str(arguments.workload)]
    if way == "llama.cpp":
        out = folder / "child_llamacpp-batch.json"
        write_ids(model, folder)
        command = [os.environ[python], str(arguments.workload / "bench_local.py")]
        command += ["--child", "llamacpp-batch", "--out", str(folder), "--gguf", arguments.gguf]
    quiet = {"TOKENIZERS_PARALLELISM": "false", "TRANSFORMERS_VERBOSITY": "error"}
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": str(THREADS), **quiet}
    launcher = [sys.executable, "-c", LAUNCHER, str(folder / "peak")]
    with (folder / "log").open("w+") as log:
        code = subprocess.call([*launcher, *command], env=environ, stdout=log, stderr=log)
        if code:
            log.seek(0)
            raise SystemExit(f"{way} ended with {code}:\n{log.read()[-2000:]}")
    told = json.loads(out.read_text())
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    texts = told["texts"] if told.get("texts") is not None else decoded(model, told["ids"])
    tokens = told.get("tokens") or (sum(map(len, told["ids"])) if told.get("ids") else None)
    seconds = told.get("seconds") or told["gen_s"]
    peak = int((folder / "peak").read_text()) * unit / 1e6
    return Result(texts, seconds, tokens, peak, told.get("told", ""))


def read_reference(arguments: argparse.Namespace, model: str, folder: Path) -> Result:
    """Return what `generate` says to one prompt after another, from the file if it is there."""
    kept: Path | None = arguments.reference
    if kept and kept.is_file():
        told = json.loads(kept.read_text())
        return Result(told["texts"], told["seconds"], told["tokens"], 0.0, "")
    result = run("one", model, folder, arguments)
    if kept:
        kept.write_text((folder / "one.json").read_text())
    return result


def print_table(results: dict[str, Result], reference: Result) -> None:
    """Print a line for each way; texts that differ are counted against the reference."""
    theirs = results.get("lm-eval")
    print(f"{'':16}{'s':>8}{'tok/s':>8}{'peak MB':>9}{'differ':>8}{'x lm-eval':>11}")
    for way, result in {"one": reference, **results}.items():
        rate = (result.tokens or reference.tokens or 0) / result.seconds
        ratio = f"{theirs.seconds / result.seconds:.2f}" if theirs else ""
        memory = f"{result.peak_mb:.0f}" if result.peak_mb else ""
        differ = unlike(result, reference)
        print(
            f"{way:16}{result.seconds:8.2f}{rate:8.0f}{memory:>9}{differ:8}{ratio:>11}"
            f"  {result.told}"
        )


def unlike(result: Result, reference: Result) -> int:
    """Count the texts that are not the reference's."""
    pairs = zip(result.texts, reference.texts, strict=True)
    return sum(ours.strip() != theirs.strip() for ours, theirs in pairs)


def judge(results: dict[str, Result], reference: Result) -> list[str]:
    """Say which bars are missed."""
    missed: list[str] = []
    ours, theirs = results.get("promptlab"), results.get("lm-eval")
    if ours and unlike(ours, reference):
        missed.append("texts differ from those of one prompt after another")
    if ours and theirs and ours.peak_mb > MAX_MEMORY * theirs.peak_mb:
        missed.append(f"more than {MAX_MEMORY} times the memory of lm-eval")
    for way, least in MIN_SPEED_UP.items():
        if theirs and way in results and theirs.seconds < least * results[way].seconds:
            missed.append(f"{way} is less than {least:.0f} times as fast as lm-eval")
    half, peer = results.get("promptlab-bf16"), results.get("llama.cpp")
    if half and peer and half.seconds > peer.seconds:
        missed.append("promptlab-bf16 is slower than llama.cpp")
    return missed


def child(way: str, model: Path, out: Path) -> int:
    """Answer the workload one way, and write down texts and seconds."""
    os.environ.setdefault("OMP_NUM_THREADS", str(THREADS))
    count = way.removeprefix("long-")
    steps = WAYS[way](model) if count == way else long_prompts(model, int(count))
    next(steps)  # loaded
    began = time.perf_counter()
    told = next(steps)
    out.write_text(json.dumps({"seconds": time.perf_counter() - began, **told}))
    return 0


def opened(model: str, dtype: str = "float32") -> Any:
    """Return our backend, ready to answer."""
    hf = import_module("promptlab.backends.hf")
    backend = hf.HuggingFace(model, hf.Options(dtype=dtype, threads=THREADS))
    asyncio.run(backend.open())
    return backend


def request(key: str, text: str, tokens: int) -> Any:
    """Return what our backend is asked."""
    types = import_module("promptlab.core.types")
    return types.Request(key, (types.Message("user", text),), types.Sampling(max_tokens=tokens))


def answered(backend: Any, asked: Sequence[Any]) -> list[Any]:
    """Return our backend's completions, in the order of the requests."""

    async def answer() -> dict[str, Any]:
        return {request.key: said async for request, said in backend.generate(asked)}

    said = asyncio.run(answer())
    return [said[request.key] for request in asked]


def promptlab(model: Path, dtype: str = "float32") -> Iterator[Any]:
    """Answer through our backend."""
    backend = opened(str(model), dtype)
    texts = [text for _, _, text in import_module("hf_workload").prompts()]
    asked = [request(str(index), text, TOKENS) for index, text in enumerate(texts)]
    yield None
    found = answered(backend, asked)
    done = backend.throughput
    yield {
        "texts": [each.text for each in found],
        "tokens": sum(each.usage.output_tokens for each in found),
        "told": f"read {done.read_tokens:,} of {done.prompt_tokens:,} tokens",
    }


def one(model: Path) -> Iterator[Any]:
    """Answer with `generate`, one prompt after another."""
    torch, transformers = import_module("torch"), import_module("transformers")
    torch.set_num_threads(THREADS)
    tokenizer = transformers.AutoTokenizer.from_pretrained(model)
    loaded = transformers.AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32).eval()
    yield None
    texts, tokens = [], 0
    for ids in import_module("hf_workload").chat_ids(tokenizer):
        given = torch.tensor([ids])
        mask = torch.ones_like(given)
        said = loaded.generate(given, attention_mask=mask, max_new_tokens=TOKENS, do_sample=False)[
            0, len(ids) :
        ]
        tokens += len(said)
        texts.append(tokenizer.decode(said, skip_special_tokens=True))
    yield {"texts": texts, "tokens": tokens}


def pipeline(model: Path) -> Iterator[Any]:
    """Answer with transformers' pipeline."""
    torch, transformers = import_module("torch"), import_module("transformers")
    torch.set_num_threads(THREADS)
    pipe = transformers.pipeline(
        "text-generation", model=str(model), dtype=torch.float32, device="cpu"
    )
    pipe.tokenizer.padding_side = "left"
    prompts = import_module("hf_workload").prompts()
    chats = [[{"role": "user", "content": text}] for _, _, text in prompts]
    yield None
    said = pipe(
        chats, batch_size=16, max_new_tokens=TOKENS, do_sample=False, return_full_text=False
    )
    yield {"texts": [rows[0]["generated_text"] for rows in said]}


def lm_eval(model: Path) -> Iterator[Any]:
    """Answer with lm-eval's class for transformers models."""
    import_module("torch").set_num_threads(THREADS)
    harness = import_module("lm_eval.models.huggingface")
    lm = harness.HFLM(pretrained=str(model), device="cpu", dtype="float32", batch_size=16)
    instance = import_module("lm_eval.api.instance").Instance
    asked = {"until": [lm.tokenizer.eos_token], "max_gen_toks": TOKENS, "do_sample": False}
    texts = import_module("hf_workload").chat_texts(lm.tokenizer)
    requests = [
        instance(request_type="generate_until", doc={}, idx=index, arguments=(text, asked))
        for index, text in enumerate(texts)
    ]
    yield None
    yield {"texts": lm.generate_until(requests)}


def long_prompts(model: Path, count: int) -> Iterator[Any]:
    """Answer prompts with a long common beginning; the "texts" are the bars that are missed."""
    backend = opened(str(model))
    common = " ".join(f"word{number}" for number in range(SHARED_TOKENS // 3))
    asked = [request(str(n), f"{common}. Case {n}: yes or no?", 4) for n in range(count)]
    yield None
    began, memory = time.perf_counter(), []
    for begin in range(0, count, backend.capacity.batch):
        answered(backend, asked[begin : begin + backend.capacity.batch])
        memory.append(peak_mb())
    seconds = time.perf_counter() - began
    read, unique = backend.throughput.read_tokens, unique_tokens(str(model), asked)
    yield {
        "texts": [] if read <= MAX_READ * unique else ["shared tokens are read again"],
        "told": f"{count:,} prompts: {seconds:.1f} s, {read:,} tokens read, {unique:,} unique, "
        f"peak MB call by call {', '.join(f'{each:.0f}' for each in memory)}",
    }


def unique_tokens(model: str, asked: Sequence[Any]) -> int:
    """Count the tokens that stand after different beginnings, and the last of every prompt."""
    trie, chat = (
        import_module("promptlab.local_model.batching.trie"),
        import_module("promptlab.local_model.text.chat"),
    )
    reader = chat.Chat(
        import_module("promptlab.local_model.loading.loading").load_tokenizer(Path(model))
    )
    prompts = [reader.encode(request.messages) for request in asked]
    tree = trie.grow(prompts, trie.Thrift(1, 1))
    own: int = sum(len(prompts[leaf.row]) - leaf.start for leaf in tree.leaves)
    shared: int = sum(span.end - span.start for span in tree.spans)
    return own + shared


def peak_mb() -> float:
    """Return the largest memory of this process so far."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def write_ids(model: str, folder: Path) -> None:
    """Write the prompts for the driver of llama.cpp."""
    workload = import_module("hf_workload")
    tokenizer = import_module("transformers").AutoTokenizer.from_pretrained(model)
    (folder / "ids.json").write_text(json.dumps(workload.chat_ids(tokenizer)))
    (folder / "groups.json").write_text(json.dumps([name for name, _, _ in workload.prompts()]))


def decoded(model: str, rows: Sequence[Sequence[int]]) -> list[str]:
    tokenizer = import_module("transformers").AutoTokenizer.from_pretrained(model)
    return [tokenizer.decode(row, skip_special_tokens=True) for row in rows]


WAYS: dict[str, Callable[[Path], Iterator[Any]]] = {
    "promptlab": promptlab,
    "promptlab-bf16": lambda model: promptlab(model, "bfloat16"),
    "one": one,
    "pipeline": pipeline,
    "lm-eval": lm_eval,
}

if __name__ == "__main__":
    sys.exit(main())
