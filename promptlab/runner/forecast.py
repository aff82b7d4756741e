"""What a run would do, before it does it: `run --dry-run`, and `--offline`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from promptlab.backends import Backend
from promptlab.core.errors import PromptlabError
from promptlab.core.prices import NO_TOKENS, TokenRange, prompt_range
from promptlab.core.types import Completion, Request, Trial, Turn, Usage
from promptlab.runner.answers import Stored
from promptlab.runner.requests import NOT_GIVEN, OpenTurn, Renderer
from promptlab.templates.template import STAND_IN

_CHUNK = 1000  # trials that are walked together, one look-up a turn
_BREATH = 500  # cases between two moments in which Ctrl-C is heard
_STAND_IN = 5  # tokens that it adds to the low bound of a prompt, at most


@dataclass(slots=True)
class CallForecast:
    """What so many trials would ask of one backend. `stored` counts the calls that the store
    answers, or will answer because another trial asks the same. The rest is about the other calls.

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

    def add(self, opened: OpenTurn, before: Sequence[Request], backend: Backend) -> None:
        """Count a call that is to be made; `before` are those whose answers it may hold."""
        request = opened.request
        tokens = backend.count_tokens(request)
        self.exact = self.exact and not before and tokens is not None
        if tokens is None or self.prompt_tokens is None:
            self.prompt_tokens = None
        else:
            self.prompt_tokens += tokens
        known = tokens is not None and not before
        asked = TokenRange(tokens or 0, tokens or 0) if known else _bounds(opened, before)
        said = NO_TOKENS if request.continuations else TokenRange(1, request.sampling.max_tokens)
        self.input_tokens += asked
        self.output_tokens += said
        if (price := backend.price) is not None:
            low = price.cost(Usage(asked.low, said.low)) or 0.0
            high = price.cost(Usage(asked.high, said.high)) or 0.0
            before_low, before_high = self.cost_usd or (0.0, 0.0)
            self.cost_usd = (before_low + low, before_high + high)
        self.unpriced = self.unpriced or (price is None and backend.charges)


@dataclass(slots=True)
class Forecast:
    """What a run would do, arm by arm, and the first call that is not stored.

    `asked` is what scorers would ask of other backends than those of the trials, by their names.
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
        """Return the bounds of what the calls with a known price will cost, None without any."""
        known = [part.cost_usd for part in self._parts if part.cost_usd is not None]
        return (sum(low for low, _ in known), sum(high for _, high in known)) if known else None

    @property
    def _parts(self) -> list[CallForecast]:
        return [*self.arms, *self.asked.values()]


async def forecast(renderer: Renderer, stored: Stored, backends: Mapping[str, Backend]) -> Forecast:
    """Walk every trial as far as the store knows its answers, then on with stand-ins."""
    plan = renderer.plan
    found = Forecast([CallForecast() for _ in plan.arms])
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
        self._backends = backends
        self._found = found
        self._asked: set[str] = set()

    def run(self, trials: Sequence[Trial]) -> None:
        turns: dict[int, list[Turn]] = {trial.seq: [] for trial in trials}
        guessed: dict[int, tuple[Request, ...]] = {}  # by trial: its calls without an answer
        for trial in trials:
            self._found.arms[trial.arm].trials += 1
        asked = list(self._ask(trials, turns))
        while asked:
            known = self._stored([opened.request.key for _, opened in asked])
            for trial, opened in asked:
                before = guessed.get(trial.seq, ())
                if opened.aside and not _quotes(opened.request):
                    before = ()
                completion = None if before else known.get(opened.request.key)
                self._count(trial, opened, before, stored=completion is not None)
                self._count_trial(opened, turns[trial.seq])
                if completion is None:
                    guessed[trial.seq] = (*before, opened.request)
                turns[trial.seq].append(opened.answered(completion or NOT_GIVEN, cached=True))
            asked = list(self._ask([trial for trial, _ in asked], turns))

    def _ask(
        self, trials: Sequence[Trial], turns: Mapping[int, list[Turn]]
    ) -> Iterator[tuple[Trial, OpenTurn]]:
        for trial in trials:
            try:
                opened = self._renderer.next(trial, turns[trial.seq])
            except PromptlabError:  # a stored answer that the template cannot go on from
                continue
            if opened is not None:
                yield trial, opened

    def _count(
        self, trial: Trial, opened: OpenTurn, before: tuple[Request, ...], *, stored: bool
    ) -> None:
        name, part = self._part(trial, opened)
        part.calls += 1
        keys = "".join(asked.key for asked in (*before, opened.request))
        if stored or keys in self._asked:
            part.stored += 1
            return
        self._asked.add(keys)
        if self._found.missing is None:
            self._found.missing = trial
        part.add(opened, before, self._backends[name])

    def _count_trial(self, opened: OpenTurn, turns: Sequence[Turn]) -> None:
        """Count a trial where it asks another backend for the first time."""
        if opened.backend is not None and all(turn.backend != opened.backend for turn in turns):
            self._found.asked[opened.backend].trials += 1

    def _part(self, trial: Trial, opened: OpenTurn) -> tuple[str, CallForecast]:
        """Return the backend that is asked, and the part of the forecast that counts the call."""
        if opened.backend is None:
            return self._renderer.plan.arms[trial.arm].backend, self._found.arms[trial.arm]
        return opened.backend, self._found.asked.setdefault(opened.backend, CallForecast())


def _quotes(request: Request) -> bool:
    """Tell whether a prompt holds an answer that is not given yet."""
    return any(STAND_IN in message.text for message in request.messages)


def _bounds(opened: OpenTurn, before: Sequence[Request]) -> TokenRange:
    """Bound the tokens of a prompt that holds answers to come, each as long as it may be.

    Each stands in the conversation once; a template may quote it again, and then the longest is
    taken. A question aside holds what it quotes, and no more.
    """
    bounds = prompt_range(opened.request)
    longest = [asked.sampling.max_tokens for asked in before]
    if not longest:
        return bounds
    quoted = sum(message.text.count(STAND_IN) for message in opened.request.messages)
    low = max(1, bounds.low - quoted * _STAND_IN)
    if opened.backend is not None:
        return TokenRange(low, bounds.high + quoted * max(longest))
    again = max(0, quoted - len(longest)) * max(longest)
    return TokenRange(low, bounds.high + sum(longest) + again)
