"""The contracts as plugin authors see them: a minimal plugin passes them all."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from promptlab.backends import Backend, NoOptions
from promptlab.backends.foreign.function import FunctionBackend, FunctionOptions
from promptlab.core.types import Completion, Outcome, Request
from promptlab.scorers import Sample
from promptlab.testing import BackendContract, ScorerContract


class Shout(Backend):
    async def generate(
        self, requests: Sequence[Request]
    ) -> AsyncIterator[tuple[Request, Completion]]:
        for request in requests:
            yield request, Completion(Outcome.OK, request.messages[-1].text.upper())


def answer(messages: list[dict[str, str]], *, max_tokens: int) -> str:
    return messages[-1]["content"].upper()[:max_tokens]


def polite(sample: Sample, *, word: str = "please") -> bool:
    return word in sample.output


class TestTheLeastBackend(BackendContract):
    def make_backend(self) -> Backend:
        return Shout(None, NoOptions())


class TestTheLeastFunction(BackendContract):
    def make_backend(self) -> Backend:
        return FunctionBackend("mine:answer", answer, None, FunctionOptions())

    def test_unknown_options_are_refused(self, backend: Backend) -> None:
        """Options are keyword arguments: the parameters say which ones are known."""
        assert backend.options_model is FunctionOptions


class TestTheLeastScorer(ScorerContract):
    entry = f"{__name__}:polite"
