"""A model that is ready to answer: requests in, completions out, in the calling thread.

Combines tokenizer, chat template and engine; knows nothing of event loops or where weights are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from promptlab.core.answers import settled
from promptlab.core.capacity import Throughput
from promptlab.core.digest import seed_from
from promptlab.core.errors import BackendError
from promptlab.core.lazy import lazy_module
from promptlab.core.types import Completion, Json, Likelihood, Outcome, Request, Usage
from promptlab.local_model.batching.answers import Answer, Heard, Prompt, describe_error, end_tokens
from promptlab.local_model.batching.engine import Engine
from promptlab.local_model.batching.trial import looks_ahead
from promptlab.local_model.files.adapter import MERGE, Adapter
from promptlab.local_model.files.generation import ACCEPTED, PENALTIES
from promptlab.local_model.files.whole import UNUSED
from promptlab.local_model.forward_pass.llama import Llama
from promptlab.local_model.loading import linear, shared
from promptlab.local_model.loading.loading import load_model, resolve_device
from promptlab.local_model.text.chat import Chat, ChatError

if TYPE_CHECKING:
    from promptlab.local_model.loading import lora
else:
    lora = lazy_module("promptlab.local_model.loading.lora")  # peft takes seconds

Emit = Callable[[Request, Completion], None]
_UNKNOWN = "the model's tokenizer has no tokens for some characters of the prompt"
_THREADS = torch.get_num_threads()  # torch's own choice, before anything changes it


@dataclass(frozen=True, slots=True)
class Setup:
    """How to run a model."""

    dtype: str
    device: str
    batch_size: int | None
    threads: int | None
    max_length: int | None
    pack: linear.Packing
    measurements: Path  # the folder of cached measurements of whether packing pays
    adapter: Adapter | None = None
    accept: tuple[str, ...] = ()  # what else would be refused

    @property
    def unused(self) -> bool:
        """Return whether the files may hold weights that the model has no use for."""
        return UNUSED in self.accept


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model that answers, the base that it shares (if any), and facts about it."""

    model: Any
    base: shared.Base | None
    facts: dict[str, Json]


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request, its prompts for the engine, and the answers so far, by prompt index."""

    request: Request
    prompts: Sequence[Prompt]
    answers: dict[int, Answer] = field(default_factory=dict)

    @property
    def input_tokens(self) -> int:
        """Return the tokens of the prompt, read once, and of all continuations."""
        return len(self.prompts[0].ids) + sum(len(p.continuation) for p in self.prompts)


class LocalModel:
    """A loaded model with the name that its completions carry."""

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
        self._base = base  # keeps it alive, so that others can share it

    @property
    def stats(self) -> Throughput:
        """Return the work done so far: tokens read, shared and generated."""
        return self._engine.stats

    def answer(
        self,
        requests: Sequence[Request],
        emit: Emit,
        cancelled: threading.Event,
        heard: Heard | None = None,
    ) -> None:
        """Answer every request once, in any order, or stop early once `cancelled` is set.

        `heard` is given the text of each answer so far, unless it begins with thoughts.
        """
        pending: list[_Pending] = []
        for request in requests:
            try:
                pending.append(_Pending(request, self._prompts(request)))
            except Exception as error:  # noqa: BLE001 - of a tokenizer, or of a chat template
                told = str(error) if isinstance(error, ChatError) else describe_error(error)
                emit(request, Completion(Outcome.ERROR, model=self._name, error=told))
        places = [(item, place) for item in pending for place in range(len(item.prompts))]

        def answered(index: int, answer: Answer) -> None:
            item, place = places[index]
            item.answers[place] = answer
            if len(item.answers) == len(item.prompts):
                emit(item.request, self._completion(item))

        torch.set_num_threads(self._threads)
        prompts = [item.prompts[place] for item, place in places]
        if heard is not None:
            prompts = [self._told(prompt, heard) for prompt in prompts]
        self._engine.generate(prompts, answered, cancelled)

    def _prompts(self, request: Request) -> list[Prompt]:
        """Return the request's prompt, or one prompt for each continuation."""
        sampling = request.sampling
        if request.continuations:
            ids, ends = self._chat.encode_pairs(request.messages, request.continuations)
            return [Prompt(ids, sampling, end, request.followed) for end in ends]
        if sampling.seed is None:  # the same request always draws the same answer
            sampling = replace(sampling, seed=seed_from(request.key))
        ids = self._chat.encode(request.messages)
        return [Prompt(ids, sampling, followed=request.followed)]

    def _told(self, prompt: Prompt, heard: Heard) -> Prompt:
        silent = prompt.continuation or self._chat.thinks_first(prompt.ids)
        return prompt if silent else replace(prompt, heard=heard)

    def _completion(self, pending: _Pending) -> Completion:
        answers = [pending.answers[place] for place in range(len(pending.prompts))]
        answer = next((a for a in answers if a.error is not None), answers[0])
        complete = () if answer.error else answers
        likelihoods = tuple(a.likelihood for a in complete if a.likelihood is not None)
        completion = Completion(
            outcome=_outcome(answer),
            text=_likeliest(pending.request.continuations, likelihoods) or answer.text,
            usage=Usage(pending.input_tokens, None if answer.error else answer.tokens),
            latency_s=max((s for each in answers if (s := each.seconds) is not None), default=None),
            model=self._name,
            finish_reason=answer.finish,
            error=answer.error,
            likelihoods=likelihoods,
            warnings=(_UNKNOWN,) if self._chat.has_unknown(pending.prompts[0].ids) else (),
        )
        return settled(completion, opened=self._chat.thinks_first(pending.prompts[0].ids))


def open_model(name: str, folder: Path, chat: Chat, setup: Setup) -> LocalModel:
    """Load the model in `folder`, sharing the weights if they are already loaded."""
    threads = setup.threads or _THREADS
    torch.set_num_threads(threads)
    ready = _load(folder, replace(setup, device=resolve_device(setup.device)))
    if setup.adapter is not None and setup.adapter.tokenizer is not None:
        _require_tokens(ready.model, chat, setup.adapter)
    ends = _let_end(ready.model, chat)
    if ACCEPTED not in setup.accept:
        _leave_scores_alone(ready.model)
    engine = Engine(ready.model, chat.decode, setup.batch_size, setup.max_length)
    if engine.note is not None and looks_ahead(ready.model):
        raise BackendError(
            f"{name} is no language model: what it says of a token depends on the tokens after it",
            hint="encoders such as BERT fill gaps in a text, but do not continue one",
        )
    ready.facts.update(
        decoder="promptlab" if isinstance(ready.model, Llama) else "transformers",
        batch_size=engine.batch_size,
        batching="packed" if engine.note is None else f"padded: {engine.note}",
        threads=threads,
        torch=torch.__version__,
        transformers=version("transformers"),
        chat_template=chat.template_digest,
        end_tokens=list(ends),
    )
    return LocalModel(name, chat, engine, ready.facts, ready.base)


def _load(folder: Path, setup: Setup) -> _Loaded:
    """Load the base itself, or the base with an adapter in it."""
    facts: dict[str, Json] = {"device": setup.device, "dtype": setup.dtype}
    adapter, base = setup.adapter, None
    apart = lora.change_of_base(adapter) if adapter else None
    if apart is None:
        made = shared.Making(setup.dtype, setup.device, setup.pack, setup.unused)
        base = shared.load_base(folder, made, setup.measurements)
        model = base.model()
    else:
        model = load_model(folder, setup.dtype, setup.device, ours=False, unused=setup.unused)
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


def _let_end(model: Any, chat: Chat) -> list[int]:
    """Let answers end at every token that model, tokenizer or chat template name as their end."""
    ends = sorted(end_tokens(model) | chat.ends)
    model.generation_config.eos_token_id = ends or None
    return ends


def _leave_scores_alone(model: Any) -> None:
    """Undo what the model's authors set to make some tokens less likely."""
    if isinstance(model, Llama):
        return  # it is read only where there is none of that
    neutral = type(model.generation_config)()
    for name in PENALTIES:
        setattr(model.generation_config, name, getattr(neutral, name, None))


def _likeliest(texts: Sequence[str], likelihoods: Sequence[Likelihood]) -> str:
    """Return the likeliest text, the first of equals; "" if nothing was weighed."""
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
