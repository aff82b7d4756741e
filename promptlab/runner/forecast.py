"""What a run would do, before it does it: `run --dry-run`, and the check before every run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from promptlab.backends import Backend
from promptlab.core.errors import PromptlabError
from promptlab.core.prices import NO_TOKENS, TokenRange, prompt_range
from promptlab.core.types import Arm, Case, Completion, Outcome, Request, Trial, Turn, Usage
from promptlab.runner.answers import Stored
from promptlab.runner.requests import Ask, Renderer
from promptlab.scorers.binding import BoundScorer
from promptlab.templates.template import STAND_IN, Call

_CHUNK = 1000  # trials that are walked together, one look-up a turn
_BREATH = 500  # cases between two moments in which Ctrl-C is heard
_STAND_IN = 5  # tokens that it adds to the low bound of a prompt, at most
_NOT_GIVEN = Completion(Outcome.OK, STAND_IN)


@dataclass(slots=True)
class ArmForecast:
    """What one arm would do. `stored` counts the calls that the store answers, or will answer
    because another trial asks the same. The rest is about the other calls.

    `prompt_tokens` are exact (`exact`) where the backend can count and no answer is still to come
    that the prompt would hold; None where only the server knows. `input_tokens` and
    `output_tokens` bound what the calls will take, `cost_usd` what they will cost at the
    backend's price, None where that is not known; `unpriced` says that it should be known, as
    the backend charges for these calls.
    """

    trials: int = 0
    calls: int = 0
    stored: int = 0
    prompt_tokens: int | None = 0
    exact: bool = True
    input_tokens: TokenRange = NO_TOKENS
    output_tokens: TokenRange = NO_TOKENS
    cost_usd: tuple[float, float] | None = None
    unpriced: bool = False


@dataclass(slots=True)
class Forecast:
    """What a run would do, arm by arm, and the first call that is not stored."""

    arms: list[ArmForecast] = field(default_factory=list)
    missing: Trial | None = None

    @property
    def calls(self) -> int:
        """Return the number of model calls, stored or not."""
        return sum(arm.calls for arm in self.arms)

    @property
    def stored(self) -> int:
        """Return how many of the calls the store answers."""
        return sum(arm.stored for arm in self.arms)

    @property
    def cost_usd(self) -> tuple[float, float] | None:
        """Return the bounds of what the arms with a known price will cost, None without any."""
        known = [arm.cost_usd for arm in self.arms if arm.cost_usd is not None]
        return (sum(low for low, _ in known), sum(high for _, high in known)) if known else None


async def check(
    renderer: Renderer, scorers: Sequence[BoundScorer], backends: Mapping[str, Backend]
) -> dict[str, list[str]]:
    """Render every arm on every case and fill every scorer in: a mistake costs no model call.

    Return by backend what it will not honour of all this, a line each.
    """
    _require_weighing(scorers, backends)
    shortfalls: dict[str, list[str]] = {}
    known: set[tuple[int, str, str]] = set()
    for place, case in enumerate(renderer.plan.cases):
        if place % _BREATH == 0:
            await asyncio.sleep(0)
        for scorer in scorers:
            scorer.prepare(case)
        renderer.continuations(case)
        for index, arm in enumerate(renderer.plan.arms):
            backend = backends[arm.backend]
            for turn, call in enumerate(renderer.all_calls(index, case)):
                if not backend.reads_images and _has_image(call):
                    raise _blind(arm, case)
                terms = (index, call.name, str(call.sampling) if call.sampling else "")
                if terms not in known:
                    known.add(terms)
                    trial = Trial(0, index, place, 0)
                    found = backend.shortfalls(*renderer.terms(trial, call, turn))
                    lines = shortfalls.setdefault(arm.backend, [])
                    lines += [line for line in found if line not in lines]
    return {name: lines for name, lines in shortfalls.items() if lines}


def _require_weighing(scorers: Sequence[BoundScorer], backends: Mapping[str, Backend]) -> None:
    """Refuse a scorer that wants to know what a backend does not tell."""
    for scorer in scorers:
        for name, backend in backends.items():
            if scorer.weighs and not backend.weighs_answers:
                raise PromptlabError(
                    f"scorer {scorer.spec.label!r} asks how likely given answers are, which"
                    f" backend {name!r} does not tell",
                    hint="run it on local models alone (kind hf), or take the scorer out",
                )


def _blind(arm: Arm, case: Case) -> PromptlabError:
    return PromptlabError(
        f"{arm.prompt} shows an image in case {case.id!r}, and backend {arm.backend!r} reads none",
        hint="choose a backend that reads images",
    )


def _has_image(call: Call) -> bool:
    return any(not isinstance(message.content, str) for message in call.messages)


async def forecast(renderer: Renderer, stored: Stored, backends: Mapping[str, Backend]) -> Forecast:
    """Walk every trial as far as the store knows its answers, then on with stand-ins."""
    plan = renderer.plan
    found = Forecast([ArmForecast() for _ in plan.arms])
    trials = (plan.trial(seq) for seq in range(plan.size))
    walk = _Walk(renderer, stored, backends, found)
    while chunk := list(islice(trials, _CHUNK)):
        walk.run(chunk)
        await asyncio.sleep(0)
    return found


async def require_stored(
    renderer: Renderer,
    completions: Callable[[Sequence[str], str | None], Mapping[str, Completion]],
    backends: Mapping[str, Backend],
) -> None:
    """Raise PromptlabError where the store, asked by `completions`, lacks an answer of a run."""
    found = await forecast(renderer, lambda keys: completions(keys, None), backends)
    if found.missing is None:
        return
    arm = renderer.plan.arms[found.missing.arm].label
    case = renderer.plan.cases[found.missing.case].id
    raise PromptlabError(
        f"{found.calls - found.stored} of {found.calls} answers are not stored,"
        f" first that of {arm} to case {case!r}",
        hint="run without --offline to measure them",
    )


class _Walk:
    """Walks a chunk of trials turn by turn, with one look-up a turn."""

    def __init__(
        self,
        renderer: Renderer,
        stored: Stored,
        backends: Mapping[str, Backend],
        found: Forecast,
    ) -> None:
        self._renderer = renderer
        self._stored = stored
        self._backends = [backends[arm.backend] for arm in renderer.plan.arms]
        self._found = found
        self._asked: set[str] = set()

    def run(self, trials: Sequence[Trial]) -> None:
        turns: dict[int, list[Turn]] = {trial.seq: [] for trial in trials}
        guessed: dict[int, tuple[Request, ...]] = {}  # by trial: its calls without an answer
        for trial in trials:
            self._found.arms[trial.arm].trials += 1
        asked = list(self._ask(trials, turns))
        while asked:
            known = self._stored([ask.request.key for _, ask in asked])
            for trial, ask in asked:
                before = guessed.get(trial.seq, ())
                if ask.aside and not _quotes(ask.request):
                    before = ()
                completion = None if before else known.get(ask.request.key)
                self._count(trial, ask.request, completion, before)
                if completion is None:
                    guessed[trial.seq] = (*before, ask.request)
                turns[trial.seq].append(ask.answered(completion or _NOT_GIVEN, cached=True))
            asked = list(self._ask([trial for trial, _ in asked], turns))

    def _ask(
        self, trials: Sequence[Trial], turns: Mapping[int, list[Turn]]
    ) -> Iterator[tuple[Trial, Ask]]:
        for trial in trials:
            try:
                ask = self._renderer.next(trial, turns[trial.seq])
            except PromptlabError:  # a stored answer that the template cannot go on from
                continue
            if ask is not None:
                yield trial, ask

    def _count(
        self,
        trial: Trial,
        request: Request,
        completion: Completion | None,
        before: tuple[Request, ...],
    ) -> None:
        arm = self._found.arms[trial.arm]
        arm.calls += 1
        keys = "".join(asked.key for asked in (*before, request))
        if completion is not None or keys in self._asked:
            arm.stored += 1
            return
        self._asked.add(keys)
        if self._found.missing is None:
            self._found.missing = trial
        backend = self._backends[trial.arm]
        tokens = backend.count_tokens(request)
        arm.exact = arm.exact and not before and tokens is not None
        if tokens is None or arm.prompt_tokens is None:
            arm.prompt_tokens = None
        else:
            arm.prompt_tokens += tokens
        known = tokens is not None and not before
        asked = TokenRange(tokens or 0, tokens or 0) if known else _bounds(request, before)
        said = NO_TOKENS if request.continuations else TokenRange(1, request.sampling.max_tokens)
        arm.input_tokens += asked
        arm.output_tokens += said
        if (price := backend.price) is not None:
            low = price.cost(Usage(asked.low, said.low)) or 0.0
            high = price.cost(Usage(asked.high, said.high)) or 0.0
            before_low, before_high = arm.cost_usd or (0.0, 0.0)
            arm.cost_usd = (before_low + low, before_high + high)
        arm.unpriced = arm.unpriced or (price is None and backend.charges)


def _quotes(request: Request) -> bool:
    """Tell whether a prompt holds an answer that is not given yet."""
    return any(STAND_IN in message.text for message in request.messages)


def _bounds(request: Request, before: Sequence[Request]) -> TokenRange:
    """Bound the tokens of a prompt that holds answers to come, each as long as it may be.

    Each stands in the conversation once; a template may quote it again, and then the longest is
    taken.
    """
    bounds = prompt_range(request)
    longest = [asked.sampling.max_tokens for asked in before]
    if not longest:
        return bounds
    quoted = sum(message.text.count(STAND_IN) for message in request.messages)
    again = max(0, quoted - len(longest)) * max(longest)
    low = max(1, bounds.low - quoted * _STAND_IN)
    return TokenRange(low, bounds.high + sum(longest) + again)
