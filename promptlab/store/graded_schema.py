"""The step that keeps which answer a score is of, and shows the case beside it; frozen."""

from __future__ import annotations

GRADED = """
-- Which answer was graded, where the scorer grades another one than the trial: its turn, and what
-- the suite calls it. NULL: the trial's own.
ALTER TABLE scores ADD COLUMN turn INTEGER;
ALTER TABLE scores ADD COLUMN answer TEXT;
ALTER TABLE former_scores ADD COLUMN turn INTEGER;
ALTER TABLE former_scores ADD COLUMN answer TEXT;

DROP VIEW results;
DROP VIEW trial_results;

CREATE VIEW trial_results AS
SELECT t.seq, k.position AS scorer_position,
    r.run_id, r.suite, l.name AS template, l.version, a.label AS arm,
    a.active AS practices, b.name AS backend, coalesce(g.model, b.model) AS model,
    c.case_id, c.case_group, t.repeat, t.outcome, g.output, k.label AS scorer,
    s.score, s.passed, s.reason, t.input_tokens, t.output_tokens, t.cost_usd, t.latency_s,
    t.cached, coalesce(t.error, s.error) AS error, t.created_at,
    nullif(trim(g.thoughts), '') AS thoughts, c.tags, s.gradable, f.text AS found,
    c.vars, c.expect, coalesce(s.answer, u.name) AS graded
FROM trials t
JOIN runs r ON r.id = t.run
JOIN run_arms a ON a.run = t.run AND a.position = t.arm
JOIN template_labels l ON l.id = a.template
JOIN backends b ON b.id = a.backend
JOIN run_cases p ON p.run = t.run AND p.position = t.case_
JOIN cases c ON c.id = p.case_
LEFT JOIN run_scorers k ON k.run = t.run
LEFT JOIN scores s ON s.run = t.run AND s.seq = t.seq AND s.scorer = k.position
LEFT JOIN trial_turns u ON u.run = t.run AND u.seq = t.seq AND u.turn = coalesce(s.turn, t.graded)
LEFT JOIN generations g ON g.id = u.generation
LEFT JOIN readings f ON f.id = s.found;

CREATE VIEW results AS SELECT \
run_id, suite, template, version, arm, practices, backend, model, case_id, case_group, \
repeat, outcome, output, scorer, score, passed, reason, input_tokens, output_tokens, \
cost_usd, latency_s, cached, error, created_at, thoughts, tags, gradable, found, vars, expect, \
graded \
FROM trial_results;
"""
