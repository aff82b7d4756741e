"""What a run would do, before it does it: for `run --dry-run` and `--offline`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from promptlab.backends import Backend
from promptlab.core.errors import PromptlabError
from promptlab.core.prices import NO_TOKENS, TokenRange, prompt_range
from promptlab.core.types import Completion, Request, Trial, Turn, Usage
from promptlab.runner.answers import Portion, Stored
from promptlab.runner.questions import OpenTurn
from promptlab.runner.requests import Renderer, not_given
from promptlab.templates.template import STAND_IN

_CHUNK = 1000  # trials that are walked together, with one look-up per turn
_BREATH = 500  # cases between two checks for Ctrl-C
_STAND_IN = 5  # most tokens that it adds to the low bound of a prompt


@dataclass(slots=True)
class CallForecast:
    """What `trials` would ask of one backend.

    `stored` counts the calls that the store answers, or will answer because another trial asks the
    same. The rest is about the other calls. `prompt_tokens` are exact (`exact`) if the backend can
    count and the prompt holds no answer that is still to come; None if only the server knows.
    `input_tokens` and `output_tokens` bound what the calls will use, `cost_usd` what they will cost
    at the backend's price, None if that is unknown; `unpriced` means that it should be known, as
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

    def add(self, opened: OpenTurn, before: Sequence[Request], backend: Backend) -> None:
        """Count a call to be made; `before` are earlier calls whose answers it may hold."""
        request = opened.request
        tokens = backend.count_tokens(request)
        self.exact = self.exact and not before and tokens is not None
        if tokens is None or self.prompt_tokens is None:
            self.prompt_tokens = None
        else:
            self.prompt_tokens += tokens
        known = tokens is not None and not before
        prompt = TokenRange(tokens or 0, tokens or 0) if known else _bounds(opened, before)
        answer = NO_TOKENS if request.continuations else TokenRange(1, request.sampling.max_tokens)
        self.input_tokens += prompt
        self.output_tokens += answer
        if (price := backend.price) is not None:
            low = price.cost(Usage(prompt.low, answer.low)) or 0.0
            high = price.cost(Usage(prompt.high, answer.high)) or 0.0
            before_low, before_high = self.cost_usd or (0.0, 0.0)
            self.cost_usd = (before_low + low, before_high + high)
        self.unpriced = self.unpriced or (price is None and backend.charges)


@dataclass(slots=True)
class Forecast:
    """What a run would do, arm by arm, and the first call that is not stored.

    `asked` is what scorers would ask of backends other than those of the trials, by name.
    """

    arms: list[CallForecast] = field(default_factory=list)
    missing: Trial | None = None
    asked: dict[str, CallForecast] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        """Return the number of model calls, stored or not."""
        return sum(part.calls for part in self._parts)

    @property
    def stored(self) -> int:
        """Return how many of the calls the store answers."""
        return sum(part.stored for part in self._parts)

    @property
    def cost_usd(self) -> tuple[float, float] | None:
        """Return the bounds of what the calls of known price will cost, None without any."""
        known = [part.cost_usd for part in self._parts if part.cost_usd is not None]
        return (sum(low for low, _ in known), sum(high for _, high in known)) if known else None

    @property
    def _parts(self) -> list[CallForecast]:
        return [*self.arms, *self.asked.values()]


async def forecast(renderer: Renderer, stored: Stored, backends: Mapping[str, Backend]) -> Forecast:
    """Walk every trial, with the answers from the store and then with stand-ins."""
    plan = renderer.plan
    result = Forecast([CallForecast() for _ in plan.arms])
    trials = (plan.trial(seq) for seq in range(plan.size))
    walk = _Walk(renderer, stored, backends, result)
    while chunk := list(islice(trials, walk.portion.size)):
        walk.run(chunk)
        await asyncio.sleep(0)
    return result


async def require_stored(
    renderer: Renderer,
    completions: Callable[[Sequence[str], str | None], Mapping[str, Completion]],
    backends: Mapping[str, Backend],
) -> None:
    """Raise PromptlabError if the store, queried by `completions`, lacks an answer of a run."""
    result = await forecast(renderer, lambda keys: completions(keys, None), backends)
    if result.missing is None:
        return
    arm = renderer.plan.arms[result.missing.arm].label
    case = renderer.plan.cases[result.missing.case].id
    raise PromptlabError(
        f"{result.calls - result.stored} of {result.calls} answers are not stored,"
        f" first that of {arm} to case {case!r}",
        hint="run without --offline to measure them",
    )


class _Walk:
    """Walks a chunk of trials turn by turn, with one look-up per turn."""

    def __init__(
        self,
        renderer: Renderer,
        stored: Stored,
        backends: Mapping[str, Backend],
        result: Forecast,
    ) -> None:
        self._renderer = renderer
        self._stored = stored
        self._backends = backends
        self._result = result
        self._seen: set[str] = set()
        self.portion = Portion(_CHUNK)

    def run(self, trials: Sequence[Trial]) -> None:
        turns: dict[int, list[Turn]] = {trial.seq: [] for trial in trials}
        guessed: dict[int, tuple[Request, ...]] = {}  # by trial: its calls without an answer
        for trial in trials:
            self._result.arms[trial.arm].trials += 1
        opening = list(self._open_next(trials, turns))
        while opening:
            known = self._stored([opened.request.key for _, opened in opening])
            self.portion.learn(known.values())
            for trial, opened in opening:
                before = guessed.get(trial.seq, ())
                if opened.aside and not opened.rival and not _quotes(opened.request):
                    before = ()
                completion = None if before else known.get(opened.request.key)
                if not opened.rival:  # those are counted where they are asked
                    self._count(trial, opened, before, stored=completion is not None)
                    self._count_trial(opened, turns[trial.seq])
                if completion is None:
                    guessed[trial.seq] = (*before, opened.request)
                    earlier = len(turns[trial.seq]) if self._renderer.grades_several else 0
                    completion = not_given(earlier)
                turns[trial.seq].append(opened.answered(completion, cached=True))
            opening = list(self._open_next([trial for trial, _ in opening], turns))

    def _open_next(
        self, trials: Sequence[Trial], turns: Mapping[int, list[Turn]]
    ) -> Iterator[tuple[Trial, OpenTurn]]:
        for trial in trials:
            try:
                opened = self._renderer.next(trial, turns[trial.seq])
            except PromptlabError:  # a stored answer from which the template cannot continue
                continue
            if opened is not None:
                yield trial, opened

    def _count(
        self, trial: Trial, opened: OpenTurn, before: tuple[Request, ...], *, stored: bool
    ) -> None:
        name, part = self._part(trial, opened)
        part.calls += 1
        keys = "".join(request.key for request in (*before, opened.request))
        if stored or keys in self._seen:
            part.stored += 1
            return
        self._seen.add(keys)
        if self._result.missing is None:
            self._result.missing = trial
        part.add(opened, before, self._backends[name])

    def _count_trial(self, opened: OpenTurn, turns: Sequence[Turn]) -> None:
        """Count a trial when it asks another backend for the first time."""
        if opened.backend is not None and all(turn.backend != opened.backend for turn in turns):
            self._result.asked[opened.backend].trials += 1

    def _part(self, trial: Trial, opened: OpenTurn) -> tuple[str, CallForecast]:
        """Return the backend to ask, and the part of the forecast that counts the call."""
        if opened.backend is None:
            return self._renderer.plan.arms[trial.arm].backend, self._result.arms[trial.arm]
        return opened.backend, self._result.asked.setdefault(opened.backend, CallForecast())


def _quotes(request: Request) -> bool:
    """Return whether a prompt quotes an answer that is not given yet."""
    return any(STAND_IN in message.text for message in request.messages)


def _bounds(opened: OpenTurn, before: Sequence[Request]) -> TokenRange:
    """Bound the tokens of a prompt that holds answers to come, assuming their maximum length.

    Each appears in the conversation once; if a template quotes answers again, the longest is
    assumed. A question aside holds what it quotes, and nothing else.
    """
    bounds = prompt_range(opened.request)
    longest = [request.sampling.max_tokens for request in before]
    if not longest:
        return bounds
    quoted = sum(message.text.count(STAND_IN) for message in opened.request.messages)
    low = max(1, bounds.low - quoted * _STAND_IN)
    if opened.backend is not None:
        return TokenRange(low, bounds.high + quoted * max(longest))
    again = max(0, quoted - len(longest)) * max(longest)
    return TokenRange(low, bounds.high + sum(longest) + again)
