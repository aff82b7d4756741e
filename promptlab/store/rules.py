"""What must hold between the rows of a sound database, as queries that must return no row."""

from __future__ import annotations

from promptlab.store.columns import GRADES

# Whether the trials of a run `r` were measured elsewhere (`RunSettings.imported`).
_IMPORTED = "json_valid(r.overrides) AND json_extract(r.overrides, '$.imported') IS NOT NULL"

# What a row means -> a query that must return no row. Outcomes are checked here because SQLite does
# not check CHECK constraints in a read-only database. An imported run may lack answers and scores:
# what was not measured is unknown.
RULES: tuple[tuple[str, str], ...] = (
    (
        "run {} is finished, but holds {} of its {} trials",
        """
        SELECT r.run_id, count(t.seq), r.trials FROM runs r LEFT JOIN trials t ON t.run = r.id
        WHERE r.status = 'finished' AND json_valid(r.settings)
            AND json_extract(r.settings, '$.sequential') IS NULL
        GROUP BY r.id HAVING count(t.seq) <> r.trials
        """,
    ),
    (
        "run {}: trial {} is not at the place that its arm, case and repeat have in the plan",
        """
        WITH shape AS MATERIALIZED (  -- once per run, not once per trial
            SELECT id, run_id, json_extract(settings, '$.repeats') AS repeats,
                (SELECT count(*) FROM run_arms a WHERE a.run = runs.id) AS arms,
                (SELECT count(*) FROM run_cases c WHERE c.run = runs.id) AS cases
            FROM runs WHERE json_valid(settings)
        )
        SELECT run_id, seq FROM shape JOIN trials t ON t.run = shape.id
        WHERE seq <> (case_ * repeats + repeat) * arms + arm OR case_ NOT BETWEEN 0 AND cases - 1
            OR repeat NOT BETWEEN 0 AND repeats - 1 OR arm NOT BETWEEN 0 AND arms - 1
        """,
    ),
    (
        "run {}: trial {} has the unknown outcome {!r}",
        """
        SELECT run_id, seq, outcome FROM trials t JOIN runs r ON r.id = t.run
        WHERE outcome NOT IN ('ok', 'truncated', 'refused', 'empty', 'error')
        """,
    ),
    (
        "generation {} has the unknown outcome {!r}",
        """
        SELECT id, outcome FROM generations
        WHERE outcome NOT IN ('ok', 'truncated', 'refused', 'empty')
        """,
    ),
    (
        "run {}: trial {} is an error without a reason",
        """
        SELECT run_id, seq FROM trials t JOIN runs r ON r.id = t.run
        WHERE outcome = 'error' AND error IS NULL
        """,
    ),
    (
        "run {}: trial {} is an error and has a score",
        """
        SELECT DISTINCT run_id, seq FROM trials t JOIN scores s USING (run, seq)
        JOIN runs r ON r.id = t.run WHERE outcome = 'error' AND s.score IS NOT NULL
        """,
    ),
    (
        "run {}: trial {} has an outcome, but not the answer that was graded",
        f"""
        SELECT run_id, t.seq FROM trials t JOIN runs r ON r.id = t.run
        LEFT JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = t.graded
        WHERE t.outcome <> 'error' AND u.generation IS NULL
            AND NOT ({_IMPORTED})
        """,
    ),
    (
        "run {}: turn {} of trial {} has neither an answer nor a request",
        """
        SELECT run_id, turn, seq FROM trial_turns u JOIN runs r ON r.id = u.run
        WHERE generation IS NULL AND (key IS NULL OR prompt IS NULL OR sampling IS NULL)
        """,
    ),
    (
        "run {}: trial {} lacks a score",
        f"""
        SELECT run_id, t.seq FROM trials t JOIN runs r ON r.id = t.run
        JOIN run_scorers k ON k.run = t.run
        LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
        WHERE t.outcome <> 'error' AND s.run IS NULL AND {GRADES}
            AND NOT ({_IMPORTED})
        """,
    ),
    (
        "run {}: trial {} has a score that is unknown for no stated reason",
        """
        SELECT run_id, seq FROM scores s JOIN runs r ON r.id = s.run
        WHERE score IS NULL AND error IS NULL
        """,
    ),
)
