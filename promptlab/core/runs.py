"""What is kept about a run beside its plan: the settings it was given, and facts of its backends.

Both are stored as JSON that other programs read and newer versions extend: what this version does
not know is kept unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

from promptlab.core.messages import Json
from promptlab.core.worked import Worked

Split = Literal["dev", "holdout", "all"]
"""A side of the holdout, or both."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings a run was given beyond its suite file; the others have their defaults.

    `imported` names the file of a run whose trials were measured elsewhere, `label` is what its
    user calls it. `further` is what a newer version has stored.
    """

    templates: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    limit: int | None = None
    case_ids: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    split: Split | None = None
    repeats: int | None = None
    seed: int | None = None
    params: tuple[tuple[str, str], ...] = ()
    gates: tuple[str, ...] = ()
    executor: str = "local"
    offline: bool = False
    jobs: int | None = None
    max_cost: float | None = None
    max_calls: int | None = None
    until_decided: bool = False
    baseline: str | None = None
    imported: str | None = None
    label: str | None = None
    further: Mapping[str, Json] = field(default_factory=dict)

    @property
    def chooses_cases(self) -> bool:
        """Return whether only some cases of a split were asked for, by name, tag or number."""
        return bool(self.case_ids or self.tags) or self.limit is not None

    def to_json(self) -> dict[str, Json]:
        """Return the settings that differ from their defaults as JSON."""
        changed = {
            setting.name: _as_json(getattr(self, setting.name))
            for setting in fields(self)
            if setting.name != "further" and getattr(self, setting.name) != setting.default
        }
        return {**changed, **self.further}

    @classmethod
    def from_json(cls, stored: Mapping[str, Json]) -> Self:
        """Return the settings that `to_json` wrote."""
        names = {setting.name for setting in fields(cls)} - {"further"}
        known: dict[str, Any] = {
            name: _as_value(value) for name, value in stored.items() if name in names
        }
        return cls(**known, further={name: stored[name] for name in stored if name not in names})


@dataclass(frozen=True, slots=True)
class BackendFacts:
    """What a backend reported about itself in a run.

    `not_honoured` are lines about settings that it ignores; `weights` is where those of a local
    model came from, which changes no answer. `in_batches` means that it answers many requests
    together, so that its seconds do not say what one answer takes; `worked` is what it did in all,
    None where that was not kept. `details` may change answers: its identity, revision, device, ...
    """

    details: Mapping[str, Json] = field(default_factory=dict)
    weights: str | None = None
    not_honoured: tuple[str, ...] = ()
    in_batches: bool = False
    worked: Worked | None = None

    def __add__(self, later: BackendFacts) -> BackendFacts:
        """Return these facts with later ones, which replace what they tell anew."""
        worked = later.worked or self.worked
        if self.worked is not None and later.worked is not None:
            worked = self.worked + later.worked
        return BackendFacts(
            {**self.details, **later.details},
            self.weights if later.weights is None else later.weights,
            later.not_honoured or self.not_honoured,
            self.in_batches or later.in_batches,
            worked,
        )

    def to_json(self) -> dict[str, Json]:
        """Return all facts as JSON."""
        facts = dict(self.details)
        if self.weights is not None:
            facts["weights"] = self.weights
        if self.not_honoured:
            facts["not_honoured"] = list(self.not_honoured)
        if self.in_batches:
            facts["in_batches"] = True
        if self.worked is not None:
            facts["worked"] = self.worked.to_json()
        return facts

    @classmethod
    def from_json(cls, stored: Mapping[str, Json] | Json) -> Self:
        """Return the facts that a backend reported, or that `to_json` wrote."""
        details = dict(stored) if isinstance(stored, Mapping) else {}
        weights, lines = details.pop("weights", None), details.pop("not_honoured", None)
        in_batches = bool(details.pop("in_batches", False))
        worked = Worked.from_json(details.get("worked"))
        if worked is not None:
            del details["worked"]
        return cls(
            details,
            None if weights is None else str(weights),
            tuple(str(line) for line in lines) if isinstance(lines, list) else (),
            in_batches or "batching" in details,  # only `hf` reported how, before this was kept
            worked,
        )


def _as_json(value: Any) -> Any:
    return [_as_json(item) for item in value] if isinstance(value, tuple) else value


def _as_value(value: Any) -> Any:
    return tuple(_as_value(item) for item in value) if isinstance(value, list) else value
