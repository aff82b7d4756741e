"""Which backends are one model: a model is its weights, whatever it is called or served by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from promptlab.analysis.measurements import JoinedArm, Measurements, by_backend
from promptlab.core.messages import Json

Model = tuple[str, ...]


def by_model(table: Measurements, backends: Iterable[str]) -> dict[Model, tuple[str, ...]]:
    """Return the models behind these backends, each with the names of its backends."""
    arms = by_backend(table.arms)
    found: dict[Model, dict[str, None]] = {}
    for name in backends:
        found.setdefault(_model(table, name, arms[name]), {})[name] = None
    return {model: tuple(names) for model, names in found.items()}


def _model(table: Measurements, backend: str, arms: Iterable[JoinedArm]) -> Model:
    """Return what the model of a backend is known by.

    These are its weights where they are known; else the kind of the backend and the model's id, as
    the server reported it or as it was configured; else the name of the backend. Address, delay,
    sampling and the size of batches make no other model.
    """
    details = [
        facts.details
        for arm in arms
        for number in arm.runs
        if (facts := table.runs[number].info.facts.get(arm.settings[0].arm.backend)) is not None
    ]
    weights = {known for each in details if (known := _weights(each)) is not None}
    if len(weights) == 1:
        return "weights", *weights.pop()
    reported = {model for arm in arms for setting in arm.settings for model in setting.models}
    configured = _named(details, "model")
    kinds, ids = _named(details, "kind"), reported if len(reported) == 1 else configured
    if len(kinds) == 1 and len(ids) == 1:
        return "model", *kinds, *ids
    return "backend", backend


def _weights(details: Mapping[str, Json]) -> tuple[str, ...] | None:
    """Return the digest or revision of the weights, with that of an adapter, if reported."""
    known = details.get("digest") or details.get("revision")
    if not isinstance(known, str):
        return None
    adapter = details.get("adapter")
    return (known,) if adapter is None else (known, str(adapter))


def _named(details: Iterable[Mapping[str, Json]], key: str) -> set[str]:
    return {value for each in details if isinstance(value := each.get(key), str)}
