"""`promptlab export`: what is chosen, where it goes, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from promptlab import PromptlabError, open_project
from promptlab.cases.xlsx import read_sheet
from tests.exporters.trials import HOSTILE

from .conftest import Promptlab, query
from .drawn import lay_out, suite, version, write


@pytest.fixture
def ran(project: Path, promptlab: Promptlab, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with a run of two versions on six cases, by two scorers."""
    scorers = suite(6, more='  # {id: c, "expect": x}\n').replace(
        "  - drawn_checks:right", "  - drawn_checks:right\n  - length: {unit: words, max: 6}"
    )
    lay_out(project, {"v1": version("0-1"), "v2": version("0-9", "More words.")}, scorers)
    monkeypatch.chdir(project)
    assert promptlab("run", "task").code == 0
    return project


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_without_a_file_it_prints_csv(ran: Path, promptlab: Promptlab) -> None:
    done = promptlab("export")
    assert (done.code, done.err) == (0, "")
    [(run_id,)] = query(ran, "SELECT DISTINCT run_id FROM results")
    found = rows(done.out)
    assert [(row["run_id"], row["case_id"], row["version"]) for row in found] == [
        (run_id, f"c{place:02}", name) for place in range(6) for name in ("v1", "v2")
    ]
    passed = query(ran, "SELECT count(*) FROM results WHERE scorer = 'right' AND passed")
    assert [(sum(row["right passed"] == "true" for row in found),)] == passed
    assert {row["var.rank"] for row in found} == {str(place) for place in range(6)}


@pytest.mark.slow
def test_a_file_tells_its_format(ran: Path, promptlab: Promptlab) -> None:
    printed = rows(promptlab("export").out)
    names = ["a.csv", "a.xlsx", "a.jsonl", "a.md", "a.xml"]
    for name in names:
        done = promptlab("export", "latest", "-o", name)
        assert (done.code, done.err) == (0, ""), done.err
        assert done.out.startswith("12 trials of run ")
        assert done.out.endswith(f"written to {name}\n")
    raw = Path("a.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")  # for Excel
    assert rows(raw.decode("utf-8-sig")) == printed
    (_, head), *lines = read_sheet(Path("a.xlsx"), "a.xlsx")
    assert head == list(printed[0])
    assert [line[head.index("output")] for _, line in lines] == [row["output"] for row in printed]
    loaded = [json.loads(line) for line in Path("a.jsonl").read_text("utf-8").splitlines()]
    assert [row["right"] for row in loaded] == [float(row["right"]) for row in printed]
    assert len(ET.parse("a.xml").findall("testsuite/testcase")) == 12
    assert Path("a.md").read_text("utf-8").count("\n| `c0") == 12
    assert sorted(path.name for path in ran.iterdir() if path.name.startswith((".a", "a"))) == (
        sorted(names)
    )  # nothing is left beside them


@pytest.mark.slow
def test_a_filter_on_one_scorer_keeps_what_others_say(ran: Path, promptlab: Promptlab) -> None:
    failed = rows(promptlab("export", "--failed").out)
    assert failed
    for row in failed:
        assert "false" in (row["right passed"], row["length passed"])
        assert row["right"]
        assert row["length"]
    both = promptlab("export", "--case", "c01", "-t", "v2", "--format", "jsonl").out
    assert [json.loads(line)["case_id"] for line in both.splitlines()] == ["c01"]
    some = rows(promptlab("export", "--where", "scorer = 'right' AND score = 1").out)
    assert {row["right"] for row in some} == {"1.0"}
    none = promptlab("export", "--errors")
    assert (none.code, rows(none.out), none.out.count("\n")) == (0, [], 1)


@pytest.mark.slow
def test_what_cannot_be_written_is_refused_and_leaves_all_as_it_is(
    ran: Path, promptlab: Promptlab
) -> None:
    write(ran, "a.xlsx", "before")
    write(ran, "suites/long.yaml", suite(1).replace("rank: 0", "rank: 0, text: x"))
    write(ran, "templates/task/v9.j2", "{{ 'y' * 40000 }}Right on 0-9. {{ rank }}\n")
    assert promptlab("run", "task", "-t", "v9").code == 0
    for words, told in (
        (("-o", "a.foo"), "tells no format"),
        (("--format", "xlsx"), "-o results.xlsx"),
        (("--format", "parquet"), "-o results.parquet"),
        (("-o", "a.xlsx"), "32,767 characters"),
        (("-o", "missing/a.csv"), "missing/a.csv"),
        (("-o", "templates", "--format", "csv"), "templates"),
        (("-o", "/dev/null", "--format", "csv"), "a pipe or a device"),
        (("-o", "a.csv", "--case", "c77"), "unknown case"),
        (("-o", "a.csv", "--where", "1 +"), "--where"),
        (("20990101",), "unknown run"),
    ):
        done = promptlab("export", *words)
        assert (done.code, done.out) == (2, ""), (words, done)
        assert told in done.err, done.err
        assert done.err.count("\n") == 1
    assert (ran / "a.xlsx").read_text(encoding="utf-8") == "before"
    assert not (ran / "a.csv").exists()
    assert not [path for path in ran.iterdir() if path.name.endswith(".new")]


def test_what_was_changed_for_a_sheet_is_said(project: Path, promptlab: Promptlab) -> None:
    foreign(project)
    assert promptlab("run", "s").code == 0
    done = promptlab("export", "--format", "csv")
    assert done.err.count("Note: ") == 2
    assert "what a sheet would take for a formula" in done.err
    exact = promptlab("export", "--format", "jsonl")
    assert exact.err == ""
    asked = [json.loads(line)["vars"]["x"] for line in exact.out.splitlines()]
    assert asked == [text for text in HOSTILE if "\x00" not in text]


def foreign(root: Path) -> None:
    """Write a project whose model says what programs might obey."""
    write(root, "templates/t/v1.j2", "{{ x }}")
    texts = [text for text in HOSTILE if "\x00" not in text]  # a case may hold no NUL
    cases = "".join(f"{json.dumps({'id': f'c{n}', 'x': x})}\n" for n, x in enumerate(texts))
    write(root, "suites/cases.jsonl", cases)
    plan = {
        "templates": ["t@*"],
        "backends": ["echo"],
        "cases": "cases.jsonl",
        "scorers": [{"length": {"unit": "characters", "max": 12}}],
    }
    write(root, "suites/s.yaml", json.dumps(plan))


def test_the_same_from_python(ran: Path, promptlab: Promptlab) -> None:
    project = open_project(ran)
    done = project.export(ran / "b.csv", failed=True, templates="v1")
    assert done.trials == len(rows((ran / "b.csv").read_text("utf-8-sig"))) > 0
    assert rows(promptlab("export", "--failed", "-t", "v1").out) == rows(
        (ran / "b.csv").read_text("utf-8-sig")
    )
    with pytest.raises(PromptlabError, match="tells no format"):
        project.export(ran / "b.foo")


def test_a_run_that_has_not_ended_is_written_as_far_as_it_is(
    ran: Path, promptlab: Promptlab
) -> None:
    assert promptlab("run", "task", "--fresh", "--max-calls", "5").code != 0
    done = promptlab("export")
    assert 0 < len(rows(done.out)) < 12
    assert " is interrupted: " in done.err
    assert " of 12 trials have ended" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_libreoffice_opens_it_with_the_same_cells(
    project: Path, promptlab: Promptlab, tmp_path: Path, name: str
) -> None:
    if not _has_libreoffice():
        pytest.skip("there is no soffice on this machine")
    foreign(project)
    assert promptlab("run", "s").code == 0
    exact = promptlab("export", "--format", "jsonl").out
    wanted = rows(promptlab("export", "--format", "csv").out)
    file = tmp_path / name
    assert promptlab("export", "-o", str(file)).code == 0
    home, made = tmp_path / "home", tmp_path / "made"
    # Commas, quotes, UTF-8, every column as it is; CSV is read as text, as the import asks.
    reading = ["--infilter=CSV:44,34,76,1,,0,false,true,false"] if name == "a.csv" else []
    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation={home.as_uri()}", *reading),
            *("--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false"),
            *("--outdir", str(made), str(file)),
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )
    found = rows((made / "a.csv").read_text(encoding="utf-8-sig"))
    assert len(found) == len(wanted) == len(exact.splitlines())
    for row, want in zip(found, wanted, strict=True):
        for column, cell in want.items():
            # A text cell of a workbook is never computed, so that it needs no apostrophe.
            text = cell.removeprefix("'") if name == "a.xlsx" and cell[:1] == "'" else cell
            got = row[column].removeprefix("'") if name == "a.xlsx" else row[column]
            assert _same(got, text.removeprefix("'") if name == "a.xlsx" else text), column


def _same(found: str, wanted: str) -> bool:
    """Return whether a cell is the same; numbers and verdicts may be written otherwise."""
    if found == wanted or found.lower() == wanted:
        return True
    try:
        return float(found) == float(wanted)
    except ValueError:
        return False


def _has_libreoffice() -> bool:
    """Return whether it can be asked; where everything is tested it must be there."""
    found = any(
        os.access(Path(folder) / "soffice", os.X_OK) for folder in os.environ["PATH"].split(":")
    )
    assert found or not os.environ.get("CI"), "install LibreOffice"
    return found


def test_numbers_of_a_case_are_written_as_they_were_asked(
    project: Path, promptlab: Promptlab
) -> None:
    lay_out(project, {"v1": version("0-1")}, suite(1).replace("rank: 0", "rank: 0, price: 3.10"))
    assert promptlab("run", "task").code == 0
    [row] = rows(promptlab("export").out)
    assert (row["var.price"], row["vars"]) == ("3.10", '{"rank": 0, "price": 3.10}')
    assert '"vars": {"rank": 0, "price": 3.10}' in promptlab("export", "--format", "jsonl").out
    assert "price: 3.10" in promptlab("show", "--matrix").out
