"""A project's settings: `[compare]`, by scorer `[judges.NAME]`, and `[templates]`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from promptlab.core.decision import Calibration, Limits, Rule
from promptlab.core.errors import PromptlabError, place
from promptlab.core.plugins import unknown
from promptlab.core.validation import wrong_value

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, le=10**9)]
Model = TypeVar("Model", bound=BaseModel)

_DEFAULT = Limits()
_CONFIG = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class CompareSettings(BaseModel):
    """The keys of `[compare]`: the level, the smallest effect that matters, and the limits."""

    model_config = _CONFIG

    alpha: float = Field(0.05, gt=0, lt=1, description="Significance level of tests and intervals.")
    min_effect: float = Field(
        0.0, ge=0, le=1e9, description="The smallest difference that matters."
    )
    strict: bool = Field(False, description="Use exact tests only.")
    min_cases: Count = Field(
        _DEFAULT.min_cases, description="The least number of cases for a verdict."
    )
    min_nonzero: Count = Field(
        _DEFAULT.min_nonzero, description="The least number of cases on which the arms differ."
    )
    min_groups: Count = Field(
        _DEFAULT.min_groups, description="The least number of groups, where cases come in groups."
    )
    max_group_share: Share = Field(
        _DEFAULT.max_group_share, description="The largest share of the cases in one group."
    )
    max_missing: Share = Field(
        _DEFAULT.max_missing,
        description="The largest share of failed trials, and of cases that only one arm has.",
    )
    max_failure_gap: Share = Field(
        _DEFAULT.max_failure_gap,
        description="The largest difference between the shares of failures.",
    )
    min_labels: Count = Field(
        _DEFAULT.min_labels,
        description="The least number of human labels to compare a judge with.",
    )
    min_kappa: Share = Field(
        _DEFAULT.min_kappa, description="The least agreement with them, corrected for chance."
    )
    min_order_agreement: Share = Field(
        _DEFAULT.min_order_agreement,
        description="How often a judge of pairs must agree with itself in both orders.",
    )
    min_informedness: Share = Field(
        _DEFAULT.min_informedness, description="The least value of sensitivity + specificity - 1."
    )


class JudgeSettings(BaseModel):
    """The keys of `[judges.NAME]`: how well the judge agreed with human labels."""

    model_config = _CONFIG

    labels: Count
    kappa: float = Field(ge=-1, le=1)
    sensitivity: Share
    specificity: Share
    order_agreement: Share | None = None


class TemplateSettings(BaseModel):
    """The keys of `[templates]`: how templates are rendered."""

    model_config = _CONFIG

    line_breaks: Literal["kept", "cut"] = Field(
        "kept", description="Whether a line that ends with a tag keeps its line break."
    )


def read_templates(table: object, file: str, prefix: str) -> TemplateSettings:
    """Read how a project's templates are rendered from its table `templates` below `prefix`."""
    return _read(TemplateSettings, table, file, f"{prefix}templates")


def read_rule(tables: Mapping[str, object], file: str, prefix: str) -> Rule:
    """Read a project's decision rule from its tables `compare` and `judges` below `prefix`."""
    settings = _read(CompareSettings, tables.get("compare", {}), file, f"{prefix}compare")
    judges = tables.get("judges", {})
    if not isinstance(judges, Mapping):
        raise PromptlabError(
            "expected a table",
            where=place(file, key=f"{prefix}judges"),
            hint=f"write [{prefix}judges.NAME]",
        )
    limits = Limits(**{name: getattr(settings, name) for name in asdict(_DEFAULT)})
    return Rule(
        alpha=settings.alpha,
        min_effect=settings.min_effect,
        strict=settings.strict,
        limits=limits,
        judges={
            str(name): Calibration(
                **_read(JudgeSettings, table, file, f"{prefix}judges.{name}").model_dump()
            )
            for name, table in judges.items()
        },
    )


def _read(model: type[Model], table: object, file: str, key: str) -> Model:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        mistakes = error.errors()
        name = str(mistakes[0]["loc"][0]) if mistakes[0]["loc"] else ""
        where = place(file, key=f"{key}.{name}".rstrip("."))
        if mistakes[0]["type"] == "extra_forbidden":
            raise unknown("key", name, model.model_fields).at(where) from None
        if mistakes[0]["type"] == "missing":
            raise PromptlabError("is missing", where=where, hint="a judge needs it") from None
        message, hint = wrong_value(mistakes[:1])
        raise PromptlabError(message, where=where, hint=hint) from None
