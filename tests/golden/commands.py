"""What is asked of the frozen database, and how an answer is written down.

`make.py` asked the version that wrote the database, and kept the answers in `said/`;
`tests/test_golden.py` asks every later version the same, and compares.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptlab.cli import run_cli

FOLDER = Path(__file__).parent
PROJECT = FOLDER / "project"
STORE = FOLDER / "store.sqlite.gz"
SAID = FOLDER / "said"
ENDS = SAID / "ends.json"

PORT = 18743
"""Where the server of the backend `far` was when the answers were measured; it is there no more."""

DATABASE = "promptlab.db"

ENVIRONMENT = {"COLUMNS": "100", "NO_COLOR": "1"}
UNSET = ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "OPENAI_API_KEY")

# `-n 20` took the first cases of the file then; these are named now, as it draws a sample.
FIRST_20 = " ".join(f"--case {number}" for number in range(1, 21))

# The runs of the database, oldest first: by name, what was typed and how it ended.
MADE: dict[str, tuple[str, int]] = {
    "earlier": ("run plain -t note@v1 -n 3 -b parrot", 0),  # of another text of note@v1
    "plain": ("run plain", 4),
    "short": ("run plain -b parrot -t note@v1 -t note@best --fresh", 0),
    "touchy": ("run touchy", 4),
    "parts": ("run parts", 0),
    "confirm": ("run parts --split holdout --repeats 1", 0),
    "grid": ("run grid", 0),
    "race": ("run race --until-decided", 0),
    "race3": ("run race --until-decided --baseline race@v3 --seed 3 -n 20", 0),
    "far": ("run far", 4),
    "fine": ("run far --tag fine", 0),
    "kind": ("run kind", 0),
    "stopped": ("run plain -b terse -t note@v4 --max-calls 19", 4),
    "gated": ("run plain -b parrot -t note@v2 --case n01 --case n03 --gate 'luck < 0.1'", 1),
    "elsewhere": (
        "import outcomes.csv --suite elsewhere --column template=version --column case=question"
        " --column group=doc --column practices=habits --column score=acc --column scorer=grader"
        " --column input_tokens=tokens_in --column output_tokens=tokens_out --column cost_usd=usd",
        0,
    ),
    "sight": ("run sight", 0),
    "many": ("run many", 0),
    "chosen": ("run parts -p year 1999 --tag old -n 3 --seed 9 --split all", 0),
    "schema": ("run plain -b far -t note@v5 --case n01 --case n02", 0),
    "spent": ("run far -t mark@v1 -n 9 --fresh --max-cost 0.0002", 4),
    "killed": ("run race -t race@v2 -b terse --max-calls 12", 4),
    "tone": ("run tone", 0),
    "weigh": ("run weigh", 0),
}
RUNS = {name: f"20250101-00{at:02}00-{at:04x}" for at, name in enumerate(MADE, 1)}


@dataclass(frozen=True, slots=True)
class Command:
    """A command line, where `{plain}` stands for the id of the run of that name."""

    line: str
    model: bool = False

    @property
    def words(self) -> list[str]:
        """Return what the command line is given."""
        return [word.format(**RUNS) if "{" in word else word for word in shlex.split(self.line)]


_JSON = {
    "runs": "runs",
    "runs_first": "runs -n 3",
    "show_short_case": "show {short} --case n03",
    "show_plain_failed": "show {plain} --failed -t note@v2",
    "show_plain_errors": "show {plain} --errors",
    "show_plain_template": "show {plain} -t note@v3..v4 --limit 9",
    "show_plain_where": "show {plain}"
    " --where \"backend = 'moody' and scorer = 'share' and score > 0.6\"",
    "show_plain_full": "show {plain} --full --case n05 --case n02 -t note@v4 -t note@v5",
    "show_touchy_errors": "show {touchy} --errors --full",
    "show_touchy": "show {touchy} --limit 4",
    "show_parts": "show {parts} --limit 6",
    "show_confirm": "show {confirm} --limit 3 --full",
    "show_race": "show {race} --where \"case_id = '7'\"",
    "show_far_errors": "show {far} --errors --full",
    "show_far": "show {far} --case f01 --case f02 --full",
    "show_stopped": "show {stopped}",
    "show_elsewhere": "show {elsewhere} --case q01",
    "show_sight": "show {sight} --full",
    "show_many": "show {many} --case 3 --limit 3 --full",
    "show_chosen": "show {chosen} --full --limit 2",
    "show_schema": "show {schema} --full",
    "show_spent": "show {spent}",
    "show_killed": "show {killed} --limit 2",
    "show_tone": "show {tone} --full",
    "show_weigh": "show {weigh} --full",
    "show_before": "show -2 --limit 2",
    "show_unknown": "show 1999",
    "compare_plain": "compare {plain}",
    "compare_plain_baseline": "compare {plain} --baseline note@v1",
    "compare_plain_alias": "compare {short} --baseline note@best",
    "compare_plain_backend": "compare {plain} --by backend",
    "compare_short_scorer": "compare {short} --scorer share",
    "compare_short_strict": "compare {short} --strict --alpha 0.1",
    "compare_short_effect": "compare {short} --scorer names_it --min-effect 0.05",
    "compare_touchy": "compare {touchy}",
    "compare_parts": "compare {parts}",
    "compare_parts_group": "compare {parts} --by group",
    "compare_parts_both": "compare {parts} {confirm} --scorer length",
    "compare_grid": "compare {grid} --baseline grid@v1",
    "compare_race": "compare {race}",
    "compare_race3": "compare {race3}",
    "compare_far": "compare {far}",
    "compare_fine": "compare {fine} --baseline mark@v1",
    "compare_fine_exact": "compare {fine} --scorer exact_match",
    "compare_kind": "compare {kind}",
    "compare_stranger": "compare {kind} --scorer stranger",
    "compare_stopped": "compare {stopped} {short}",
    "compare_elsewhere": "compare {elsewhere} --by group",
    "compare_elsewhere_effect": "compare {elsewhere} --min-effect 0.1",
    "compare_tone": "compare {tone}",
    "compare_logprob": "compare {tone} --scorer mean_logprob",
    "compare_fine_fresh": "compare {fine} {spent} --baseline mark@best --min-effect 0.6",
    "compare_killed": "compare {killed} {race}",
    "compare_several": "compare {plain} {short} {gated}",
    "practices_plain": "practices {plain}",
    "practices_short": "practices {short} --scorer share",
    "practices_parts": "practices {parts}",
    "practices_both": "practices {parts} {confirm} --min-effect 0.1",
    "practices_grid": "practices {grid}",
    "practices_many": "practices {many}",
    "practices_fine": "practices {fine}",
    "practices_elsewhere": "practices {elsewhere}",
    "diff_note": "diff note@v1 v2",
    "diff_note_chain": "diff note@v3 note@v4 --full",
    "diff_note_case": "diff note@first note@best --case n02",
    "diff_mark": "diff mark@v1 mark@v2",
    "diff_mark_case": "diff mark@v2 mark@v3 --case f04",
    "diff_race": "diff race@v1 race@v2",
    "diff_same": "diff note@v3 note@best",
    "diff_apart": "diff grid@v1 part@v1",
    "template_list": "template list",
    "template_show": "template show note@v4",
    "template_show_include": "template show note@best",
    "template_log": "template log note",
    "template_log_elsewhere": "template log grid",
    "template_render": "template render note@v5 --suite plain --case n04",
    "template_render_off": "template render part@v1 --suite parts --off context",
    "dry_plain": "run plain --dry-run",
    "dry_parts": "run parts --dry-run --split all",
    "dry_grid_fresh": "run grid --dry-run --fresh",
    "dry_far": "run far --dry-run --repeats 2",
    "again_plain": "run plain --offline -b parrot",
    "again_missing": "run plain --offline",
    "again_touchy": "run touchy --offline",
    "again_parts": "run parts --offline",
    "again_confirm": "run parts --offline --split all --repeats 1",
    "again_grid": "run grid --offline",
    "again_race": "run race --offline --until-decided",
    "again_race3": f"run race --offline --until-decided --baseline race@v3 --seed 3 {FIRST_20}",
    "again_sight": "run sight --offline",
    "again_many": "run many --offline",
    "again_chosen": "run parts --offline -p year 1999 --seed 9 --split all"
    " --case p01 --case p04 --case p05",
    "again_schema": "run plain --offline -b far -t note@v5 --case n01 --case n02",
    "again_kind": "run kind --offline",
    "again_far": "run far --offline",
    "again_fine": "run far --offline --tag fine",
    "gate_passes": "run plain --offline -b parrot -t note@v2 -t note@v3 --gate 'luck >= 0.1'"
    " --gate 'share: note@v3 > note@v2' --gate 'share: no-worse note@v2 by 0.01'",
    "gate_fails": "run plain --offline -b parrot -t note@v1 -t note@v2 --gate 'luck > 0.9'"
    " --gate 'share: note@v1 > note@v2' --gate 'no-worse note@v2 by 0.01'",
    "gate_better": "run far --offline --tag fine --gate 'mark@best > mark@v1'",
    "resume_stopped": "resume {stopped} --max-calls 99",
    "resume_latest_limit": "resume {stopped}",
    "resume_spent": "resume {spent}",
    "resume_killed": "resume {killed} --max-calls 99",
    "resume_any": "resume",
    "resume_imported": "resume {elsewhere}",
    "backend_list": "backend list",
    "backend_check": "backend check parrot terse",
    "scorer_list": "scorer list",
    "scorer_show": "scorer show label",
    "scorer_show_own": "scorer show golden_scorers:luck",
    "db_stats": "db stats",
    "db_verify": "db verify",
    "import_again": "import outcomes.csv --suite elsewhere --ignore-unknown"
    " --column template=version --column case=question --column score=acc",
    "unknown_suite": "run nothing",
}
_TEXT = {
    "schema_suite": "schema suite",
    "schema_template": "schema template",
    "runs": "runs",
    "show_plain": "show {plain}",
    "show_plain_errors": "show {plain} --errors",
    "show_touchy_full": "show {touchy} --errors --full",
    "show_parts": "show {parts} --limit 2",
    "show_race": "show {race} --limit 1",
    "show_far_full": "show {far} --case f02 --full",
    "show_elsewhere": "show {elsewhere} --failed --limit 3",
    "show_sight_full": "show {sight} --full",
    "practices_many": "practices {many}",
    "again_many": "run many --offline",
    "again_touchy": "run touchy --offline",
    "dry_sight": "run sight --dry-run",
    "gate_passes": "run plain --offline -b parrot -t note@v2 -t note@v3 --gate 'luck >= 0.1'",
    "gate_fails": "run plain --offline -b parrot -t note@v1 -t note@v2 --gate 'luck > 0.9'",
    "resume_any": "resume",
    "scorer_show": "scorer show label",
    "show_weigh_full": "show {weigh} --full",
    "compare_plain": "compare {plain}",
    "compare_plain_backend": "compare {plain} --by backend",
    "compare_parts": "compare {parts}",
    "compare_race": "compare {race}",
    "compare_fine": "compare {fine} --baseline mark@v1",
    "compare_far": "compare {far}",
    "compare_kind": "compare {kind} --scorer stranger",
    "compare_elsewhere": "compare {elsewhere} --by group",
    "compare_tone": "compare {tone}",
    "practices_plain": "practices {plain}",
    "practices_parts": "practices {parts}",
    "practices_grid": "practices {grid}",
    "practices_elsewhere": "practices {elsewhere}",
    "diff_note": "diff note@v1 v2",
    "diff_note_chain": "diff note@v3 v4",
    "diff_note_patch": "diff note@v2 v3 --patch",
    "diff_mark": "diff mark@v1 mark@v2",
    "diff_mark_case": "diff mark@v2 mark@v3 --case f04",
    "dry_plain": "run plain --dry-run",
    "dry_far": "run far --dry-run --repeats 2",
    "dry_parts": "run parts --dry-run --split all",
    "again_plain": "run plain --offline -b parrot",
    "again_fine": "run far --offline --tag fine",
    "again_race3": f"run race --offline --until-decided --baseline race@v3 --seed 3 {FIRST_20}",
    "resume_stopped": "resume {stopped} --max-calls 99",
    "template_list": "template list",
    "template_log": "template log note",
    "template_render": "template render note@v4 --suite plain",
    "backend_list": "backend list",
    "db_verify": "db verify",
}
# These look at the weights of the real model; all else does without them.
_MODEL = {
    "dry_tone.json": "run tone --dry-run --json",
    "dry_tone.txt": "run tone --dry-run",
    "again_tone.json": "run tone --offline --json",
    "again_tone.txt": "run tone --offline",
    "again_weigh.json": "run weigh --offline --json",
    "diff_tone.json": "diff tone@v1 tone@v2 --json",
    "diff_tone.txt": "diff tone@v1 tone@v2",
}

COMMANDS = {
    **{f"{name}.json": Command(f"{line} --json") for name, line in _JSON.items()},
    **{f"{name}.txt": Command(line) for name, line in _TEXT.items()},
    **{name: Command(line, model=True) for name, line in _MODEL.items()},
}
"""By the file in `said/` that holds what the command wrote to stdout."""

_NEW = (
    (re.compile(r"\b(?!20250101-)\d{8}-\d{6}-[0-9a-f]{4}\b"), "NEW-RUN"),
    (re.compile(r"(?!2025-01-01T)\b\d{4}-\d\d-\d\dT[\d:.]+(\+00:00|Z)"), "NEW-MOMENT"),
    (re.compile(r" in \d+ s\b"), " in 0 s"),
    (re.compile(r'("(?:wal_)?bytes": )\d+'), r"\g<1>0"),
)


def normalised(text: str, root: Path) -> str:
    """Return what was written without what differs from one time to the next.

    That is where the project lies, the ids and moments of runs made just now, how long they took,
    and how large the database is. What the frozen database itself says stays as it is.
    """
    text = text.replace(str(root), "PROJECT")
    for pattern, word in _NEW:
        text = pattern.sub(word, text)
    return text


def typed(words: Sequence[str]) -> tuple[int, str, str]:
    """Run a command in this process; return how it ended and what it wrote."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run_cli(list(words))
    texts = []
    for stream in (out, err):
        stream.flush()
        stream.seek(0)
        texts.append(stream.read())
    return code, texts[0], texts[1]


def restore(root: Path, content: bytes) -> None:
    """Put the frozen database into a project, in place of what is there."""
    for path in root.glob(f"{DATABASE}*"):
        path.unlink()
    (root / DATABASE).write_bytes(content)


def frozen_database() -> bytes:
    """Return the frozen database as it lies in a project."""
    return gzip.decompress(STORE.read_bytes())
