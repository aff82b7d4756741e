from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from promptlab.core import plugins
from promptlab.core.errors import PromptlabError
from promptlab.core.sampling import SamplingSettings
from promptlab.experiments.suite import SuiteFile
from promptlab.project.backends import describe_backend, entry_of, make_backend
from promptlab.project.folder import BackendEntry
from promptlab.project.settings import CompareSettings, JudgeSettings

Write = Callable[[str, str], Path]


def entry(options: dict[str, object] | None = None, kind: str = "echo") -> BackendEntry:
    return BackendEntry("mine", kind, None, options or {}, "promptlab.toml: backends.mine")


def mistake(backend: BackendEntry, root: Path) -> str:
    with pytest.raises(PromptlabError) as caught:
        make_backend(backend, root)
    return str(caught.value)


def test_a_backend_is_made_and_described(project: Path) -> None:
    configured = entry({"reply": "yes", "delay_s": 0.5})
    spec = describe_backend(configured, make_backend(configured, project))
    assert (spec.name, spec.kind, spec.model) == ("mine", "echo", None)
    assert spec.options == {"reply": "yes", "delay_s": 0.5}
    again = entry_of(spec)
    assert describe_backend(again, make_backend(again, project)) == spec
    assert again.where == "backend 'mine' of the stored run"


def test_a_server_s_model_has_nothing_to_do_with_a_folder_of_its_name(project: Path) -> None:
    for kind in ("openai", "anthropic", "gemini", "ollama"):
        named = BackendEntry("mine", kind, "templates", {}, "promptlab.toml: backends.mine")
        assert (
            describe_backend(named, make_backend(named, project)).identity["model"] == "templates"
        )


def test_the_digest_covers_what_answers_depend_on_and_no_name(project: Path) -> None:
    def digest(backend: BackendEntry) -> str:
        return describe_backend(backend, make_backend(backend, project)).digest

    base = digest(entry({"reply": "yes"}))
    assert digest(BackendEntry("other", "echo", None, {"reply": "yes"}, "")) == base
    assert digest(entry({"reply": "yes", "delay_s": 1})) == base
    assert digest(entry({"reply": "no"})) != base


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({}, "ehco", "unknown backend 'ehco' (did you mean 'echo'?)"),
        ({"repyl": "x"}, "echo", "unknown option 'repyl' of echo (did you mean 'reply'?)"),
        ({"reply": 3}, "echo", "reply: expected text, found 3 (put it in quotes)"),
        ({"delay_s": -1}, "echo", "delay_s: expected a number greater than or equal to 0, found -"),
        ({"delay_s": "long"}, "echo", "delay_s: expected a number, found 'long' (fix this value)"),
        ({}, "config_of_a_test:thing", "'config_of_a_test:thing' is not a backend (see CONTRIB"),
        ({}, "config_of_a_test:Needy", "the option url is missing (add it)"),
        ({"url": "x", "either": []}, "config_of_a_test:Needy",
         "either: expected a whole number or text, found a list (fix this value)"),
        ({"url": "no"}, "config_of_a_test:Needy", "wrong url (fix this value)"),
    ],
)  # fmt: skip
def test_mistakes_are_reported_with_the_place_of_the_backend(
    project: Path, write: Write, options: dict[str, object], kind: str, message: str
) -> None:
    write("config_of_a_test.py", PLUGIN)
    error = mistake(entry(options, kind), project)
    assert error.startswith(f"promptlab.toml: backends.mine: {message}")


@pytest.mark.parametrize("model", ["m@http://127.0.0.1:8000/v1", "m@127.0.0.1:8000/v1"])
def test_an_address_in_the_model_of_a_table_is_refused(project: Path, model: str) -> None:
    written = BackendEntry("mine", "openai", model, {}, "promptlab.toml: backends.mine")
    assert mistake(written, project).startswith("promptlab.toml: backends.mine: ")


PLUGIN = """
from pydantic import BaseModel, model_validator
thing = 3
class Options(BaseModel):
    url: str
    either: int | str = 0
    @model_validator(mode="after")
    def _check(self):
        if self.url == "no":
            raise ValueError("wrong url")
        return self
class Needy:
    options_model = Options
"""


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"delay_s": float("inf")}, "echo", "delay_s: expected a finite number, found inf"),
        ({"price": float("nan")}, "echo", "price: expected a finite number, found nan"),
        ({"delay_s": 1e300}, "echo", "delay_s: expected a number less than or equal to 3600"),
        ({"delay_s": 2**70}, "echo", "delay_s: expected a number of at most 64 bits (fix this"),
        ({"delay_s": 10**5000}, "echo", "delay_s: expected a number of at most 64 bits"),
        ({"reply": datetime.date(2024, 1, 31)}, "echo", "reply: expected text, found a date or a"),
        ({"extra_body": {"a": [{"b": float("inf")}]}}, "openai",
         "extra_body.a.b: expected a finite number"),
        ({"requests_per_minute": 1e-300}, "openai", "requests_per_minute: expected a number grea"),
        ({"timeout_s": 1e300}, "openai", "timeout_s: expected a number less than or equal to"),
    ],
)  # fmt: skip
def test_a_number_beyond_any_use_is_refused(
    project: Path, options: dict[str, object], kind: str, message: str
) -> None:
    given = BackendEntry("mine", kind, "m", options, "promptlab.toml: backends.mine")
    assert mistake(given, project).startswith(f"promptlab.toml: backends.mine: {message}")


def _numbers(schema: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every number that a JSON Schema lets through, with the path to it."""
    if isinstance(schema, dict):
        if schema.get("type") in ("integer", "number"):
            yield name, schema
        for key, inner in schema.items():
            yield from _numbers(inner, f"{name}.{key}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from _numbers(inner, name)


MODELS = [SamplingSettings, CompareSettings, JudgeSettings, SuiteFile]
KINDS = ["echo", "hf", "openai", "anthropic", "gemini", "ollama"]


@pytest.mark.parametrize("model", [*MODELS, *KINDS])
def test_every_number_of_a_configuration_has_a_range(model: Any) -> None:
    if isinstance(model, str):
        model = cast(Any, plugins.load("backends", model)).options_model
    free = [
        name  # Ollama takes any number of seconds, and -1
        for name, schema in _numbers(model.model_json_schema())
        if ".keep_alive" not in name
        and (
            not ({"minimum", "exclusiveMinimum"} & schema.keys())
            or not ({"maximum", "exclusiveMaximum"} & schema.keys())
        )
    ]
    assert free == []
