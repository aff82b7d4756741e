"""Case by case: what was asked and expected, what flipped and by which change, every trial."""

from __future__ import annotations

from collections.abc import Iterator

from promptlab.report.html.page.context import Context
from promptlab.report.html.page.heat_map import fails, score_word, shortened
from promptlab.report.html.page.marks import Marks
from promptlab.report.html.page.markup import Child, Html, joined, tag
from promptlab.report.html.page.steps import hunk_links
from promptlab.report.html.page.tables import folded, section
from promptlab.report.html.page.trials import trial_block
from promptlab.report.html.page.words import two_outputs
from promptlab.report.views.asked import question_of
from promptlab.report.views.matrix import MatrixRow
from promptlab.report.views.report import Step
from promptlab.templates.past import label_of

_IN_SUMMARY = 110  # characters of a question


def cases_section(context: Context) -> Html:
    """Return all cases that are shown, folded away one by one."""
    rows = [_case(context, place, row) for place, row in enumerate(context.view.matrix.rows)]
    return section(
        "details",
        "Every case in full",
        tag("p", "A case opens by its name; so does the address of each of its cells."),
        *rows,
    )


def _case(context: Context, place: int, row: MatrixRow) -> Html:
    at = f"/matrix/cases/{place}"
    signs = " ".join(score_word(cell) for cell in row.cells)
    summary = joined(
        [
            tag("b", row.case_id),
            tag("span", signs, class_="signs"),
            tag("span", shortened(question_of(row.vars), _IN_SUMMARY), class_="asked"),
        ],
        " ",
    )
    address = f"case-{row.part}"
    inner = folded(
        summary,
        _permalink(address, f"case {row.case_id}"),
        asked(context.marks, at, row),
        *_flips(context, row),
        *_arms(context, at, row),
        id_=address,
        class_="case",
    )
    return tag(
        "div",
        inner,
        class_="case-box",
        data_case=row.part,
        data_flips=row.flips,
        data_fails=fails(row),
    )


def _permalink(address: str, what: str) -> Html:
    return tag("a", "¶", href=f"#{address}", class_="permalink", aria_label=f"Link to {what}")


def asked(marks: Marks, at: str, row: MatrixRow) -> Html:
    """Return what a case asks and expects, its group and its tags."""
    pairs: list[tuple[str, Child]] = [
        (name, _value(marks, f"{at}/vars/{_key(name)}", value)) for name, value in row.vars.items()
    ]
    if row.expected is not None:
        pairs.append(("expected", _value(marks, f"{at}/expect", row.expected)))
    if row.group is not None:
        pairs.append(("group", row.group))
    if row.tags:
        pairs.append(("tags", ", ".join(row.tags)))
    return tag("dl", *(joined([tag("dt", name), tag("dd", value)]) for name, value in pairs))


def _key(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _value(marks: Marks, at: str, value: object) -> Html:
    if isinstance(value, str):
        return tag("pre", value, dir="auto")
    return tag("code", marks.json(at))


def _flips(context: Context, row: MatrixRow) -> Iterator[Html]:
    """Yield what each step between versions changed in this case: the outputs, and the hunks."""
    for number, step in enumerate(context.view.steps):
        kind = "won" if row.case_id in step.won else "lost" if row.case_id in step.lost else None
        if kind is None:
            continue
        version = step.diff.version
        yield tag(
            "h3",
            f"{kind.capitalize()} by {version.b} against {version.a}",
            class_=kind,
        )
        yield tag("p", hunk_links(number, step, row.case_id))
        yield from _outputs(context, row, step)


def _outputs(context: Context, row: MatrixRow, step: Step) -> Iterator[Html]:
    """Yield the first outputs of both versions side by side, on each backend that has both."""
    version = step.diff.version
    sides: dict[str, dict[str, str]] = {}
    for arm, cell in zip(context.view.matrix.arms, row.cells, strict=True):
        side = {version.digest_a: "a", version.digest_b: "b"}.get(arm.arm.digest)
        if side is None or arm.arm.off or not cell.trials:
            continue
        trial = context.view.trials[cell.trials[0].run_id, cell.trials[0].seq]
        output = trial.output.text if trial.output is not None else "(no output)"
        sides.setdefault(arm.arm.backend, {}).setdefault(side, output)
    names = label_of(version.a), label_of(version.b)
    for backend, outputs in sides.items():
        if len(outputs) == 2:
            where = f" on {backend}" if len(sides) > 1 else ""
            yield two_outputs(
                (f"{names[0]}{where}", outputs["a"]), (f"{names[1]}{where}", outputs["b"])
            )


def _arms(context: Context, at: str, row: MatrixRow) -> Iterator[Html]:
    matrix = context.view.matrix
    for place, cell in enumerate(row.cells):
        if not cell.trials:
            continue
        arm = matrix.arms[place]
        address = matrix.link(row, arm)
        summary = joined(
            [
                tag("b", context.shorts[place]),
                tag("span", score_word(cell), class_="signs"),
                ", ".join(f"{count} {outcome.value}" for outcome, count in cell.outcomes.items()),
            ],
            " ",
        )
        trials = [
            trial_block(
                context.view.trials[trial.run_id, trial.seq],
                f"{at}/cells/{place}/trials/{number}",
                context.marks,
            )
            for number, trial in enumerate(cell.trials)
        ]
        yield folded(
            summary,
            _permalink(address, f"case {row.case_id}, {arm.label}"),
            *trials,
            id_=address,
            class_="cell",
        )
