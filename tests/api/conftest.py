"""A small project whose backend answers with the prompt itself."""

from __future__ import annotations

from pathlib import Path

import pytest

FILES = {
    "templates/greet/v1.j2": "Greet {{ name }}.\n",
    "templates/greet/v2.j2": """\
---
parent: v1
practices: [clear]
---
{% system %}You greet people.{% endsystem %}
{% user %}
Say hello to {{ name }}{% practice "clear" %} in one word{% endpractice %}.
{% enduser %}
""",
    "templates/greet/v3.j2": """\
{% user %}Say hello to {{ name }}.{% enduser %}
{% generate draft %}
{% user %}Shorten it: {{ draft }}{% enduser %}
""",
    "templates/greet/aliases.yaml": "best: v2\n",
    "suites/greet.yaml": """\
templates: [greet@v1, greet@v2]
backends: [echo]
cases: people.csv
scorers:
  - contains: {any: ["hello"]}
gates: ["contains >= 0.1"]
""",
    "suites/people.csv": "id,name\n" + "".join(f"p{n},Person {n}\n" for n in range(20)),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a project with two versions, twenty cases and no run yet."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path
