"""`promptlab schema`."""

from __future__ import annotations

import click
from pydantic import BaseModel

from promptlab.cli.output import print_json
from promptlab.cli.verbs import example
from promptlab.experiments.suite import SuiteFile
from promptlab.templates.front_matter import FrontMatter

FORMATS: dict[str, type[BaseModel]] = {"suite": SuiteFile, "template": FrontMatter}


@click.command(epilog=example("schema suite > suite.schema.json"))
@click.argument("format_name", metavar="[suite|template]", type=click.Choice(list(FORMATS)))
def schema(format_name: str) -> None:
    """Print the JSON Schema of a suite file, or of a template's front matter."""
    model = FORMATS[format_name]
    document = model.model_json_schema()
    print_json({"$schema": "https://json-schema.org/draft/2020-12/schema", **document})
