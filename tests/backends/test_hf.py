from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from promptlab.backends.hf import HuggingFace
from promptlab.core.errors import BackendError
from promptlab.core.types import Completion, Image, Message, Outcome, Request, Sampling
from promptlab.local_model.files.weights import DEFAULT_MODEL
from promptlab.local_model.options import Options

LIGHT = """
import sys
from promptlab.backends.hf import HuggingFace
from promptlab.local_model.options import Options
backend = HuggingFace(sys.argv[1], Options(cache_dir=sys.argv[2]))
backend.identity(), backend.notice(), backend.capacity
heavy = {"torch", "transformers", "tokenizers", "safetensors", "huggingface_hub", "httpx"}
loaded = heavy & {name for name, module in sys.modules.items() if type(module).__name__ == "module"}
sys.exit(f"loaded: {loaded}" if loaded else 0)
"""


def request(text: str, key: str | None = None, **sampling: Any) -> Request:
    return Request(key or text, (Message("user", text),), Sampling(**sampling))


def answers(backend: HuggingFace, requests: Sequence[Request]) -> dict[str, Completion]:
    async def gather() -> dict[str, Completion]:
        return {asked.key: said async for asked, said in backend.generate(requests)}

    return asyncio.run(gather())


def folder(path: Path) -> Path:
    path.mkdir()
    for name in ("config.json", "model.safetensors"):
        (path / name).write_text("{}")
    return path


def test_it_stays_light_until_a_model_is_needed(tmp_path: Path) -> None:
    model = folder(tmp_path / "model")
    command = [sys.executable, "-c", LIGHT, str(model), str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_it_needs_a_model() -> None:
    with pytest.raises(BackendError, match="needs a model"):
        HuggingFace(None, Options())


@pytest.mark.parametrize(
    "options",
    [
        {"trust_remote_code": True},
        {"dtype": "int8"},
        {"device": "gpu"},
        {"batch_size": 0},
        {"threads": 0},
    ],
)
def test_bad_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate(options)


def test_the_identity_holds_what_answers_depend_on(tmp_path: Path) -> None:
    model = str(folder(tmp_path / "model"))
    cache = tmp_path / "cache"
    one = HuggingFace(model, Options(batch_size=1, threads=1, cache_dir=cache)).identity()
    assert one == HuggingFace(model, Options(cache_dir=cache)).identity()
    assert set(one) == {"kind", "model", "revision", "dtype", "device"}
    assert one != HuggingFace(model, Options(dtype="bfloat16", cache_dir=cache)).identity()


def test_a_gguf_is_announced_before_it_is_converted(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_text("weights")
    backend = HuggingFace(str(file), Options(cache_dir=tmp_path / "cache"))
    assert "converting the weights" in (backend.notice() or "")
    model = str(folder(tmp_path / "model"))
    assert HuggingFace(model, Options(cache_dir=tmp_path / "cache")).notice() is None


def test_check_says_what_is_wrong(tmp_path: Path) -> None:
    missing = HuggingFace(str(tmp_path / "gone"), Options(cache_dir=tmp_path / "cache"))
    health = asyncio.run(missing.check())
    assert not health.ok
    assert "there is no model at" in health.detail
    assert health.hint is not None
    broken = HuggingFace(str(folder(tmp_path / "m")), Options(cache_dir=tmp_path / "cache"))
    health = asyncio.run(broken.check())
    assert not health.ok
    assert health.detail.startswith("cannot load the tokenizer in")
    assert "\n" not in health.detail


SUBJECTS = ["fox", "tax form", "violin", "storm", "recipe", "proof", "river", "old radio"]
TASKS = [
    "Write one sentence about a {}.",
    "Is a {} alive? Answer with yes or no.",
    "Repeat this word and say nothing else: {}",
    "Classify the sentiment of this review. Answer with exactly one word, positive or negative. "
    "Review: I bought a {} and it broke at once. Sentiment:",
    "Translate into French: The {} is on the table.",
]
LONGEST = 5  # tokens of their answers
PROMPTS = [task.format(subject) for task in TASKS for subject in SUBJECTS]
FEW = PROMPTS[::9]  # one of each task


@pytest.fixture(scope="module")
def smollm2() -> Iterator[HuggingFace]:
    backend = HuggingFace(DEFAULT_MODEL, Options())
    asyncio.run(backend.open())
    yield backend
    asyncio.run(backend.close())


@pytest.fixture(scope="module")
def spoken(smollm2: HuggingFace) -> dict[str, Completion]:
    return answers(smollm2, [request(text, max_tokens=LONGEST) for text in FEW])


def direct(tokenizer: Any, model: Any, text: str) -> str:
    chat = [{"role": "user", "content": text}]
    ids = tokenizer.apply_chat_template(
        chat, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    said = model.generate(**ids, max_new_tokens=LONGEST, do_sample=False)
    prompt = ids["input_ids"].shape[1]
    return str(tokenizer.decode(said[0, prompt:], skip_special_tokens=True))


@pytest.fixture(scope="module")
def plain(smollm2: HuggingFace) -> tuple[Any, Any]:
    """The tokenizer and the model as transformers loads them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where = asyncio.run(smollm2._folder())
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32).eval()
    return AutoTokenizer.from_pretrained(where), model


@pytest.mark.model
@pytest.mark.parametrize("prompts", [FEW[:1], pytest.param(PROMPTS, marks=pytest.mark.slow)])
@pytest.mark.slow
def test_it_says_what_transformers_says_one_by_one(
    smollm2: HuggingFace, plain: tuple[Any, Any], record_property: Any, prompts: list[str]
) -> None:
    tokenizer, model = plain
    said = answers(smollm2, [request(text, max_tokens=LONGEST) for text in prompts])
    unlike = [text for text in prompts if direct(tokenizer, model, text) != said[text].text]
    record_property("mismatches", len(unlike))
    assert len(unlike) <= len(prompts) // 20, unlike


OPTIONS = ("Positive.", "Negative.", " I am not sure", "Le chien")


@pytest.mark.model
@pytest.mark.parametrize("prompts", [FEW[:1], pytest.param(FEW[3:], marks=pytest.mark.slow)])
@pytest.mark.slow
def test_it_weighs_as_transformers_does(
    smollm2: HuggingFace, plain: tuple[Any, Any], prompts: list[str]
) -> None:
    import torch

    tokenizer, model = plain
    asked = [replace(request(text), continuations=OPTIONS) for text in prompts]
    for text, said in answers(smollm2, asked).items():
        chat = [{"role": "user", "content": text}]
        prompt = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        before, expected = len(tokenizer(prompt)["input_ids"]), []
        for option in OPTIONS:
            ids = tokenizer(prompt + option)["input_ids"]
            with torch.inference_mode():
                rows = model(torch.tensor([ids])).logits[0, before - 1 : -1].log_softmax(-1)
            expected.append(float(rows.gather(-1, torch.tensor(ids[before:])[:, None]).sum()))
        assert [each.logprob for each in said.likelihoods] == pytest.approx(expected, abs=1e-3)
        assert said.text == OPTIONS[expected.index(max(expected))]
        assert said.usage.input_tokens == smollm2.count_tokens(
            replace(request(text), continuations=OPTIONS)
        )


@pytest.mark.model
def test_every_completion_tells_how_it_ended(
    smollm2: HuggingFace, spoken: dict[str, Completion]
) -> None:
    assert set(spoken) == set(FEW)
    assert {said.outcome for said in spoken.values()} <= {Outcome.OK, Outcome.TRUNCATED}
    for text, said in spoken.items():
        assert said.usage.input_tokens == smollm2.count_tokens(request(text))
        assert said.model == DEFAULT_MODEL
        assert said.latency_s is not None
        full = said.usage.output_tokens == LONGEST
        assert (said.finish_reason == "length") <= full
        assert (said.outcome is Outcome.TRUNCATED) == (said.finish_reason == "length")


@pytest.mark.slow
@pytest.mark.model
def test_requests_it_cannot_take_are_errors_of_their_own(smollm2: HuggingFace) -> None:
    photo = Message("user", (Image("cat.png", "image/png", "b2:0"),))
    said = answers(
        smollm2,
        [
            Request("photo", (photo,), Sampling()),
            request("word " * 8300, key="long", max_tokens=8),
            request("Say yes.", key="fine", max_tokens=8),
        ],
    )
    assert "does not read images" in (said["photo"].error or "")
    assert "8192" in (said["long"].error or "")
    assert said["fine"].error is None


@pytest.mark.model
@pytest.mark.slow
def test_a_drawn_answer_belongs_to_its_request(smollm2: HuggingFace) -> None:
    drawn = [request("Name a thing.", key=k, temperature=1.0, max_tokens=4) for k in "ab"]
    first, again = answers(smollm2, drawn), answers(smollm2, drawn[::-1])
    assert {k: c.text for k, c in first.items()} == {k: c.text for k, c in again.items()}
    assert first["a"].text != first["b"].text


@pytest.mark.model
def test_it_lets_go_within_a_moment(smollm2: HuggingFace) -> None:
    long = [request("word " * 900 + str(i), max_tokens=100) for i in range(32)]

    async def interrupt() -> float:
        async def consume() -> None:
            async for _ in smollm2.generate(long):
                pass

        task = asyncio.create_task(consume())
        await asyncio.sleep(0.5)
        task.cancel()
        started = time.perf_counter()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.perf_counter() - started < 0.3
        assert [c async for _, c in smollm2.generate([request("Hi", max_tokens=1)])]
        return time.perf_counter() - started

    assert asyncio.run(interrupt()) < 8  # the thread itself was free again, for the next call


@pytest.mark.slow
@pytest.mark.model
def test_check_answers_and_nothing_is_printed(
    smollm2: HuggingFace, capfd: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        backend = HuggingFace(DEFAULT_MODEL, Options())
        facts = asyncio.run(backend.open())
        health = asyncio.run(backend.check())
    asyncio.run(backend.close())
    assert health.ok, health
    assert capfd.readouterr() == ("", "")
    assert facts["revision"] == smollm2.identity()["revision"]
    assert {"device", "dtype", "batch_size", "torch", "transformers", "threads"} <= set(facts)
