"""How a judge's votes are spread over given answers, be they weighed by a model or said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from promptlab.core.types import Likelihood

Shares = Mapping[str, float]
"""The probability of each option, of 1 in all."""


def probabilities(options: Sequence[str], likelihoods: Sequence[Likelihood]) -> Shares:
    """Return the probability of each option as the answer, given that it is one of them."""
    most = max(likelihood.logprob for likelihood in likelihoods)
    weights = [math.exp(likelihood.logprob - most) for likelihood in likelihoods]
    total = math.fsum(weights)
    return {option: weight / total for option, weight in zip(options, weights, strict=True)}


def shares_of(options: Sequence[str], said: Sequence[str]) -> Shares:
    """Return the share of each option among what was said."""
    return {option: said.count(option) / len(said) for option in options}


def mean_of(options: Sequence[str], spread: Iterable[Shares]) -> Shares:
    """Return the mean of several judges, each of which counts alike."""
    each = [*spread]
    return {option: math.fsum(shares[option] for shares in each) / len(each) for option in options}


def likeliest(shares: Shares) -> list[str]:
    """Return the option with the highest share, or all options that share it."""
    most = max(shares.values())
    return [option for option, share in shares.items() if math.isclose(share, most, rel_tol=1e-9)]
