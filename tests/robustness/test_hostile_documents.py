"""No document of a user's is a bug of ours: every reader takes it or refuses it in one line.

Each document is a right one with values replaced by what breaks readers: aliases that multiply,
depth, sizes, numbers beyond every type, tags, half characters, dates, other types.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptlab.cases.files import read_rows
from promptlab.cases.rows import read_cases
from promptlab.cli import run_cli
from promptlab.core.digest import template_digest
from promptlab.core.envfile import parse_env
from promptlab.core.errors import PromptlabError
from promptlab.core.types import TemplateSource
from promptlab.importers.outcome_rows import read_outcomes
from promptlab.importers.outcomes import gather
from promptlab.project.backends import make_backend
from promptlab.project.folder import open_project
from promptlab.templates.library import TemplateLibrary
from promptlab.templates.template import Template

from .hostile import CELLS, ENV_PIECES, JSON_PIECES, TOML_PIECES, YAML_PIECES, documents

SUITE = [
    ("description: ", "a suite"),
    ("\ntemplates: ", "[t]"),
    ("\nbackends: ", "[echo]"),
    ("\ncases:\n - {id: ", "a"),
    (", q: ", "what"),
    (", expect: ", "this"),
    (", tags: ", "[x]"),
    (", group: ", "g"),
    ("}\n - {vars: ", "{q: b}"),
    ("}\nscorers:\n - exact_match: ", "{ignore_case: true}"),
    ("\n - contains: {any: ", "[a, b]"),
    (", name: ", "second"),
    ("}\nprimary: ", "exact_match"),
    ("\nsampling: {temperature: ", "0"),
    (", max_tokens: ", "5"),
    (", stop: ", "[x]"),
    ("}\nrepeats: ", "1"),
    ("\nseed: ", "0"),
    ("\nholdout: ", "0"),
    ("\ndesign: ", "versions"),
    ("\ngates: [", "exact_match >= 0.5"),
    ("]\n", ""),
]
FRONT = [
    ("---\ndescription: ", "a version"),
    ("\nparent: ", "v0"),
    ("\npractices: ", "[clear]"),
    ("\ninputs: {q: ", "string"),
    ("}\nsampling: {max_tokens: ", "5"),
    ("}\noutput: {format: ", "json"),
    (", labels: ", "[]"),
    (", schema: {type: ", "object"),
    (", properties: ", "{a: {type: string}}"),
    (", enum: ", "[{a: b}]"),
    ("}}\nnotes: ", "none"),
    ("\n---\nAbout ", "{{ q }}"),
]
CONFIG = [
    ("[backends.mine]\nkind = ", '"echo"'),
    ("\nreply = ", '"yes"'),
    ("\ndelay_s = ", "0"),
    ("\nprice = ", "1.5"),
    ("\n[backends.far]\nkind = ", '"openai"'),
    ("\nmodel = ", '"m"'),
    ("\nbase_url = ", '"http://127.0.0.1:9/v1"'),
    ("\nprice = {input = ", "1"),
    (", output = ", "2"),
    ("}\nrequests_per_minute = ", "60"),
    ("\nextra_body = ", "{a = 1}"),
    ("\nheaders = ", '{x-a = "b"}'),
    ("\n[compare]\nalpha = ", "0.05"),
    ("\nmin_cases = ", "3"),
    ("\n[judges.j]\nlabels = ", "50"),
    ("\nkappa = ", "0.8"),
    ("\nsensitivity = ", "0.9"),
    ("\nspecificity = ", "0.9"),
    ("\n", ""),
]
ROW = [
    ('{"id": ', '"a"'),
    (', "q": ', '"what"'),
    (', "expect": ', "3.10"),
    (', "tags": ', '["x"]'),
    (', "group": ', '"g"'),
    (', "vars": ', "1"),
    ("}\n", ""),
]
OUTCOME = [
    ('{"template": ', '"t@v1"'),
    (', "case": ', '"a"'),
    (', "score": ', "1"),
    (', "repeat": ', "1"),
    (', "group": ', '"g"'),
    (', "practices": ', '["clear"]'),
    (', "scorer": ', '"s"'),
    (', "output": ', '"yes"'),
    (', "input_tokens": ', "3"),
    (', "cost_usd": ', "0.1"),
    ("}\n", ""),
]
TABLE = [
    ("id,", "q"),
    (",", "expect"),
    ("\n", "a"),
    (",", "what"),
    (",", "this"),
    ("\n", "b"),
    (",", "why"),
    (",", "that"),
    ("\n", ""),
]
ENV = [("A=", "1"), ("\nB=", "${A}2"), ("\nexport C=", "'x y'"), ("\n", "")]

bounded = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def taken_or_refused(read: Callable[[], object]) -> None:
    """Read a document; a refusal is one line that can be printed."""
    refusal = None
    try:
        read()
    except PromptlabError as error:
        refusal = error
    if refusal is not None:
        assert "\n" not in refusal.message
        assert refusal.hint or refusal.where


def write(path: Path, text: str) -> None:
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for folder in ("templates/t", "suites"):
        (tmp_path / folder).mkdir(parents=True)
    write(tmp_path / "templates/t/v1.j2", "About {{ q }}")
    return tmp_path


@bounded
@given(documents(SUITE, YAML_PIECES))
def test_a_suite(root: Path, text: str) -> None:
    write(root / "suites/s.yaml", text)

    assert run_cli(["--project", str(root), "run", "s", "--dry-run"]) in (0, 2)


@pytest.mark.slow
@bounded
@given(documents(FRONT, YAML_PIECES))
def test_a_front_matter(text: str) -> None:
    def render() -> None:
        text.encode()
        source = TemplateSource("t", "v1", text, {}, template_digest(text, {}))
        list(Template(source).calls({"q": "x"}))

    if text.isprintable() or text.startswith("---"):
        taken_or_refused(render)


@pytest.mark.slow
@bounded
@given(documents([("best: ", "v1"), ("\nother: ", "v1"), ("\n", "")], YAML_PIECES))
def test_aliases(root: Path, text: str) -> None:
    write(root / "templates/t/aliases.yaml", text)
    library = TemplateLibrary(root / "templates")
    taken_or_refused(lambda: library.resolve("t@best"))
    taken_or_refused(lambda: library.with_alias("t", "new", "v1"))


@pytest.mark.slow
@bounded
@given(documents(CONFIG, TOML_PIECES))
def test_a_configuration(root: Path, text: str) -> None:
    write(root / "promptlab.toml", text)

    def make_all() -> None:
        project = open_project(root)
        for entry in project.backends.values():
            make_backend(entry, root, {"OPENAI_API_KEY": "k"})

    taken_or_refused(make_all)


@pytest.mark.slow
@bounded
@given(
    st.sampled_from(["jsonl", "json", "yaml"]),
    documents(ROW, JSON_PIECES),
    documents(ROW, JSON_PIECES),
)
def test_cases_of_json(root: Path, suffix: str, first: str, second: str) -> None:
    path = root / f"c.{suffix}"
    write(path, first + second if suffix == "jsonl" else f"[{first},{second}]")
    taken_or_refused(lambda: read_cases(path, path.name, {}))


@pytest.mark.slow
@bounded
@given(st.sampled_from(["csv", "tsv"]), documents(TABLE, CELLS), st.sampled_from(",;\t|^"))
def test_cases_of_a_table(root: Path, suffix: str, text: str, mark: str) -> None:
    path = root / f"c.{suffix}"
    write(path, text.replace(",", mark))
    taken_or_refused(lambda: read_cases(path, path.name, {"expect": "expect"}))


@bounded
@given(st.sampled_from(["csv", "json", "jsonl", "tsv", "xlsx", "yaml", "parquet"]), st.binary())
def test_cases_of_any_bytes(root: Path, suffix: str, data: bytes) -> None:
    path = root / f"c.{suffix}"
    path.write_bytes(data)
    taken_or_refused(lambda: read_cases(path, path.name, {}))


@pytest.mark.slow
@bounded
@given(documents(OUTCOME, JSON_PIECES), documents(OUTCOME, JSON_PIECES))
def test_outcomes(root: Path, first: str, second: str) -> None:
    path = root / "o.jsonl"
    write(path, first + second)

    def run() -> None:
        rows = read_outcomes(read_rows(path, "o.jsonl"), {}, ignore_unknown=True)
        list(gather(rows, "s", "o.jsonl").results())

    taken_or_refused(run)


@pytest.mark.slow
@bounded
@given(documents(ENV, ENV_PIECES))
def test_an_env_file(text: str) -> None:
    taken_or_refused(lambda: parse_env(text, ".env", {"HOME": "h"}))


@pytest.mark.slow
@bounded
@given(st.lists(st.text(max_size=20), max_size=3), st.binary(max_size=12))
def test_names_of_files(root: Path, names: list[str], odd: bytes) -> None:
    folder = root / "templates/n"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in [*names, odd.decode("utf-8", "surrogateescape")]:
        try:
            (folder / f"{name}.j2").touch()
        except (OSError, ValueError):
            continue  # no system has such a file
    library = TemplateLibrary(root / "templates")
    taken_or_refused(library.names)
    taken_or_refused(lambda: [library.load("n", each) for each in library.versions("n")])
