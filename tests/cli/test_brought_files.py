"""Files that people bring from other programs: each runs, or is refused with the remedy.

They lie in `tests/brought`, in the shape that each program writes, with content of our own.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Promptlab, query

Bring = Callable[..., tuple[int, str]]

BROUGHT = Path(__file__).parent.parent / "brought"
SUITE = """\
templates: [brought]
backends: [echo]
cases: {file}
columns: {columns}
scorers: [{{contains: {{any: "{{{{ expect }}}}"}}}}]
"""


@pytest.fixture
def bring(project: Path, promptlab: Promptlab) -> Bring:
    def run(file: str, body: str, columns: str = "{}") -> tuple[int, str]:
        (project / "templates/brought").mkdir()
        (project / "templates/brought/v1.j2").write_text(body, encoding="utf-8")
        shutil.copy(BROUGHT / file, project / "suites")
        suite = SUITE.format(file=file, columns=columns)
        (project / "suites/brought.yaml").write_text(suite, encoding="utf-8")
        ran = promptlab("run", "brought")
        return ran.code, ran.err

    return run


@pytest.mark.parametrize(
    ("file", "body", "columns", "outputs"),
    [
        (
            "libreoffice.csv", "{{ country }}: {{ population }}. {{ id }}", "{id: id}",
            ["Peru: 33,7. 1", "Chad: 18,3. 2"],
        ),
        ("reviews.xlsx", "{{ review }} {{ price }} {{ day }}", "{}",
         ['Größe "8½",\nweiß? 3.10 2024-01-31', "It broke at once. 1.1 2024-01-31 12:30:00"]),
        ("benchmark.jsonl", "{{ question }} Think.", "{expect: answer}",
         ["A hen lays 3 eggs a day. How many in a week? Think.",
          "Ann has $3.50 and spends $1.10. What is left? Think."]),
        ("bbh.json", "{{ input }}", "{expect: target}",
         ["not ( True ) and ( True ) is", "True or False is"]),
        ("inspect.jsonl",
         "{{ input if input is string else input[0].content }} {{ metadata.level }}",
         "{expect: target}",
         ["What is the capital of Peru? 1", "What is the capital of Chad? 2.50"]),
        ("inspect.csv", "{{ input }}", "{expect: target}",
         ["What is the capital of Peru?", "What is the capital of Chad?"]),
        ("promptfoo_tests.csv", "{{ country }}", "{expect: __expected}", ["Peru", "Chad"]),
    ],
)  # fmt: skip
def test_a_file_that_fits_runs(
    project: Path,
    bring: Bring,
    file: str,
    body: str,
    columns: str,
    outputs: list[str],
) -> None:
    assert bring(file, body, columns) == (0, "")
    rows = query(project, "SELECT output, score FROM results ORDER BY case_id, output")
    assert sorted(output for output, _ in rows) == sorted(outputs)
    assert all(score is not None for _, score in rows)


@pytest.mark.parametrize(
    ("file", "columns", "remedy"),
    [
        ("promptfooconfig.yaml", "{}", "Error: suites/promptfooconfig.yaml: expected a list of "
         "cases (it holds several (prompts, providers, tests): save the one with the cases by"),
        ("promptfoo_tests.yaml", "{}", "Error: suites/promptfoo_tests.yaml:1: 0: unknown key "
         "'description' of a case (make it a variable in vars, or leave it out)"),
        ("promptfoo_tests.csv", "{}", "Error: suites/promptfoo_tests.csv:2: the column "
         "'__expected' is promptfoo's, and would be a variable here (write columns: {expect: __ex"),
        ("promptfoo_checks.csv", "{expect: __expected}", "Error: suites/promptfoo_checks.csv:2: "
         "'icontains: Lima' is a check of promptfoo's, not a text that is expected (write the te"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_with_the_remedy(
    bring: Bring,
    file: str,
    columns: str,
    remedy: str,
) -> None:
    code, error = bring(file, "{{ country }}", columns)
    assert code == 2
    assert error.startswith(remedy)
    assert error.count("\n") == 1


def test_a_prompty_file_is_told_how_it_is_written_here(project: Path, promptlab: Promptlab) -> None:
    folder = project / "templates/capital"
    folder.mkdir()
    shutil.copy(BROUGHT / "basic.prompty", folder / "v1.j2")
    ran = promptlab("template", "render", "capital@v1", "-p", "country=Peru")
    assert ran.code == 0
    assert "What is the capital of Peru?" in ran.out
    shutil.copy(BROUGHT / "chat.prompty", folder / "v2.j2")
    ran = promptlab("template", "render", "capital@v2", "-p", "country=Peru")
    assert ran.code == 2
    assert "templates/capital/v2.j2:2: name: unknown key 'name' (in a Prompty file: " in ran.err


@pytest.mark.parametrize(
    ("file", "remedy"),
    [("c.jsonl.gz", "unpack it first"), ("c.ods", "save it as .xlsx or CSV"), ("c.doc", "use on")],
)
def test_a_format_that_is_not_read_has_its_remedy(
    project: Path, promptlab: Promptlab, file: str, remedy: str
) -> None:
    (project / "suites" / file).touch()
    suite = SUITE.format(file=file, columns="{}").replace("[brought]", "[greet]")
    (project / "suites/brought.yaml").write_text(suite, encoding="utf-8")
    ran = promptlab("run", "brought")
    assert ran.code == 2
    assert f"({remedy}" in ran.err
