"""A model that is ready to answer: requests in, completions out, in the calling thread.

Brings together tokenizer, chat template and engine; knows no event loop and no place of weights.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from promptlab.core.capacity import Throughput
from promptlab.core.digest import seed_from
from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Completion, Json, Likelihood, Outcome, Request, Usage
from promptlab.local_model.batching.answers import Answer, Prompt, end_tokens
from promptlab.local_model.batching.engine import Engine
from promptlab.local_model.files.adapter import MERGE, Adapter
from promptlab.local_model.forward_pass.llama import Llama
from promptlab.local_model.loading import linear, shared
from promptlab.local_model.loading.loading import load_model, resolve_device
from promptlab.local_model.text.chat import Chat, ChatError

if TYPE_CHECKING:
    from promptlab.local_model.loading import lora
else:
    lora = lazy_module("promptlab.local_model.loading.lora")  # peft takes seconds

Emit = Callable[[Request, Completion], None]
_THREADS = torch.get_num_threads()  # torch's own choice, before anybody makes another


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model is to be run."""

    dtype: str
    device: str
    batch_size: int | None
    threads: int | None
    max_length: int | None
    pack: linear.Packing
    measurements: Path  # the folder of those that tell whether packing pays
    adapter: Adapter | None = None


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model to answer with, the base that it shares (if it does), and what was found out."""

    model: Any
    base: shared.Base | None
    facts: dict[str, Json]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request with what the engine is asked for it, and what it said so far, by place."""

    request: Request
    prompts: Sequence[Prompt]
    answers: dict[int, Answer] = field(default_factory=dict)

    @property
    def input_tokens(self) -> int:
        """Return the tokens of the prompt, read once for all continuations, and of these."""
        return len(self.prompts[0].ids) + sum(len(each.continuation) for each in self.prompts)


class LocalModel:
    """A loaded model under the name that its completions carry."""

    def __init__(
        self,
        name: str,
        chat: Chat,
        engine: Engine,
        facts: dict[str, Json],
        base: shared.Base | None = None,
    ) -> None:
        self.facts = facts
        self._threads = torch.get_num_threads()  # of the process: other models may set others
        self._name = name
        self._chat = chat
        self._engine = engine
        self._base = base  # others find it as long as this one is there

    @property
    def stats(self) -> Throughput:
        """Return what was done so far: tokens read, shared and said."""
        return self._engine.stats

    def answer(self, requests: Sequence[Request], emit: Emit, cancelled: threading.Event) -> None:
        """Answer every request once, in any order, or stop early once `cancelled` is set."""
        asked: list[_Asked] = []
        for request in requests:
            try:
                asked.append(_Asked(request, self._prompts(request)))
            except ChatError as error:
                emit(request, Completion(Outcome.ERROR, model=self._name, error=str(error)))
        places = [(each, place) for each in asked for place in range(len(each.prompts))]

        def answered(index: int, answer: Answer) -> None:
            each, place = places[index]
            each.answers[place] = answer
            if len(each.answers) == len(each.prompts):
                emit(each.request, self._completion(each))

        torch.set_num_threads(self._threads)
        prompts = [each.prompts[place] for each, place in places]
        self._engine.generate(prompts, answered, cancelled)

    def _prompts(self, request: Request) -> list[Prompt]:
        """Return what the engine is asked: a prompt, or one for each continuation."""
        sampling = request.sampling
        if request.continuations:
            ids, ends = self._chat.encode_pairs(request.messages, request.continuations)
            return [Prompt(ids, sampling, end, request.followed) for end in ends]
        if sampling.seed is None:  # the same request draws the same answer, whoever asks
            sampling = replace(sampling, seed=seed_from(request.key))
        ids = self._chat.encode(request.messages)
        return [Prompt(ids, sampling, followed=request.followed)]

    def _completion(self, asked: _Asked) -> Completion:
        answers = [_with_number(asked.answers[place]) for place in range(len(asked.prompts))]
        answer = next((each for each in answers if each.error is not None), answers[0])
        found = () if answer.error else tuple(each.likelihood for each in answers)
        likelihoods = tuple(each for each in found if each is not None)
        return Completion(
            outcome=_outcome(answer),
            text=_likeliest(asked.request.continuations, likelihoods) or answer.text,
            usage=Usage(asked.input_tokens, None if answer.error else answer.tokens),
            latency_s=max((s for each in answers if (s := each.seconds) is not None), default=None),
            model=self._name,
            finish_reason=answer.finish,
            error=answer.error,
            likelihoods=likelihoods,
        )


def open_model(name: str, folder: Path, chat: Chat, setup: Setup) -> LocalModel:
    """Load the model in `folder`, or take the weights of one that is loaded already."""
    threads = setup.threads or _THREADS
    torch.set_num_threads(threads)
    found = _load(folder, replace(setup, device=resolve_device(setup.device)))
    if setup.adapter is not None and setup.adapter.tokenizer is not None:
        _require_tokens(found.model, chat, setup.adapter)
    _let_end(found.model, chat, setup.adapter)
    engine = Engine(found.model, chat.decode, setup.batch_size, setup.max_length)
    found.facts.update(
        decoder="promptlab" if isinstance(found.model, Llama) else "transformers",
        batch_size=engine.batch_size,
        batching="packed" if engine.note is None else f"padded: {engine.note}",
        threads=threads,
        torch=torch.__version__,
        transformers=version("transformers"),
        chat_template=chat.template_digest,
    )
    return LocalModel(name, chat, engine, found.facts, found.base)


def _load(folder: Path, setup: Setup) -> _Loaded:
    """Load what answers: the base itself, or the base with an adapter in it."""
    facts: dict[str, Json] = {"device": setup.device, "dtype": setup.dtype}
    adapter, base = setup.adapter, None
    apart = lora.change_of_base(adapter) if adapter else None
    if apart is None:
        base = shared.load_base(folder, setup.dtype, setup.device, setup.pack, setup.measurements)
        model = base.model()
    else:
        model = load_model(folder, setup.dtype, setup.device, ours=False)
    if adapter is not None:
        model = lora.attach(model, adapter)
        weights = "shared with the base" if apart is None else f"its own: {apart}"
        facts["adapter"] = {**adapter.facts, "weights": weights}
        facts["peft"] = lora.VERSION
    packed = base.packed if base else False
    return _Loaded(model, base, {**facts, "packed_weights": packed})


def _require_tokens(model: Any, chat: Chat, adapter: Adapter) -> None:
    rows = model.get_input_embeddings().weight.shape[0]
    if chat.vocabulary > rows:
        raise BackendError(
            f"the tokenizer in {adapter.folder} knows {chat.vocabulary} tokens, the model {rows}",
            hint=MERGE,
        )


def _let_end(model: Any, chat: Chat, adapter: Adapter | None) -> None:
    """Let the model end its answers with the token that its tokenizer ends them with.

    The setting of a base counts, unless an adapter brings a tokenizer: it may have learnt another.
    """
    known = end_tokens(model)
    own = adapter is not None and adapter.tokenizer is not None
    if chat.end_token is not None and (own or not known):
        model.generation_config.eos_token_id = sorted({*known, chat.end_token})


def _with_number(answer: Answer) -> Answer:
    """Make an error of a likelihood that is no number: some models rule tokens out."""
    if answer.likelihood is None or math.isfinite(answer.likelihood.logprob):
        return answer
    return Answer(error=f"the model's log-probability of an answer is {answer.likelihood.logprob}")


def _likeliest(texts: Sequence[str], likelihoods: Sequence[Likelihood]) -> str:
    """Return the likeliest of the texts, the first of equals; "" where nothing was weighed."""
    if not likelihoods:
        return ""
    return texts[max(range(len(texts)), key=lambda place: likelihoods[place].logprob)]


def _outcome(answer: Answer) -> Outcome:
    if answer.error is not None:
        return Outcome.ERROR
    if answer.likelihood is not None:
        return Outcome.OK
    if answer.finish == "length":
        return Outcome.TRUNCATED
    return Outcome.OK if answer.text.strip() else Outcome.EMPTY
