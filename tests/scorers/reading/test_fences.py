from __future__ import annotations

from collections.abc import Callable

import pytest

from promptlab.core.types import Score

Grade = Callable[..., Score]
DOCUMENT = '{"ok": true}'
SCHEMA = {"type": "object", "required": ["ok"]}


@pytest.mark.parametrize(
    "output",
    [
        f"```json\n{DOCUMENT}\n```",
        f"```javascript\n{DOCUMENT}\n```",
        f"```application/json\n{DOCUMENT}\n```",
        f'```json title="a file"\n{DOCUMENT}\n```',
        f"``` {{.json #x}}\n{DOCUMENT}\n```",
        f"~~~\n{DOCUMENT}\n~~~",
        f"`````json\n{DOCUMENT}\n`````",
        f"```sh\nls\n```\n\nwhich prints\n\n```\n{DOCUMENT}\n```\n",
        f"```json\nnot yet\n```\n```json\n{DOCUMENT}\n```",
        f"~~~text\n```\n~~~\n\n~~~json\n{DOCUMENT}\n~~~",
        f"````markdown\n```json\n{DOCUMENT}\n```\n````",
        f"1. ```json\n   {DOCUMENT}\n   ```",
        f"> ```json\n> {DOCUMENT}\n> ```",
        f"```json\r\n{DOCUMENT}\r\n```",
        f"```json\n{DOCUMENT}",
        f"```json {DOCUMENT}``` is it",
        f"It is ```{DOCUMENT}```.",
        f"\ufeff{DOCUMENT}",
    ],
)
def test_json_is_found_in_any_fence(grade: Grade, output: str) -> None:
    score = grade("json_schema", output, schema=SCHEMA)
    assert score.passed, score.reason
    if output[0] != "\ufeff":
        assert not grade("json_schema", output, schema=SCHEMA, extract=False).passed


def test_the_first_fence_with_json_counts(grade: Grade) -> None:
    output = f"```\n[1]\n```\n```json\n{DOCUMENT}\n```"
    assert grade("json_schema", output, schema=SCHEMA).reason == "$: [1] is not of type 'object'"


@pytest.mark.parametrize(
    "output", ["``` \n```", "```json\n```", "~~~", "```{```", "``````", "`{}`"]
)
def test_a_fence_without_json_is_no_json(grade: Grade, output: str) -> None:
    assert str(grade("json_schema", output, schema=SCHEMA).reason).startswith("not JSON: ")
