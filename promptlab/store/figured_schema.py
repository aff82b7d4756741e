"""The steps that keep what runs amount to, and find what failed in them; frozen."""

from __future__ import annotations

FIGURED = """
-- What a run amounts to, computed once. All of it follows from other tables: whatever changes a
-- result takes it away (see the triggers), and it is computed again when it is next asked for.
CREATE TABLE run_figures (
    run INTEGER NOT NULL REFERENCES runs(id),
    part TEXT NOT NULL,                  -- JSON: a tag, for the cases that have it; null: all cases
    version INTEGER NOT NULL,            -- of how they are computed: others do not count
    summary TEXT NOT NULL,               -- JSON: how its trials ended and what they cost
    arms TEXT,                           -- JSON: the same by arm, and the scores; NULL: not asked
    PRIMARY KEY (run, part)
) WITHOUT ROWID;

CREATE TRIGGER figures_of_new_trial AFTER INSERT ON trials
BEGIN DELETE FROM run_figures WHERE run = NEW.run; END;
CREATE TRIGGER figures_of_changed_trial AFTER UPDATE ON trials
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;
CREATE TRIGGER figures_of_lost_trial AFTER DELETE ON trials
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;
CREATE TRIGGER figures_of_new_score AFTER INSERT ON scores
BEGIN DELETE FROM run_figures WHERE run = NEW.run; END;
CREATE TRIGGER figures_of_changed_score AFTER UPDATE ON scores
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;
CREATE TRIGGER figures_of_lost_score AFTER DELETE ON scores
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;
CREATE TRIGGER figures_of_new_answer AFTER INSERT ON generations WHEN NEW.run IS NOT NULL
BEGIN DELETE FROM run_figures WHERE run = NEW.run; END;
CREATE TRIGGER figures_of_changed_answer AFTER UPDATE OF run, cost_usd ON generations
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;
CREATE TRIGGER figures_of_lost_answer AFTER DELETE ON generations WHEN OLD.run IS NOT NULL
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;
CREATE TRIGGER figures_of_new_scorer AFTER INSERT ON run_scorers
BEGIN DELETE FROM run_figures WHERE run = NEW.run; END;
CREATE TRIGGER figures_of_changed_scorer AFTER UPDATE ON run_scorers
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;
CREATE TRIGGER figures_of_lost_scorer AFTER DELETE ON run_scorers
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;
CREATE TRIGGER figures_of_changed_settings AFTER UPDATE OF settings ON runs
BEGIN DELETE FROM run_figures WHERE run = NEW.id; END;

-- What people look for among many trials is rare: each of these has a row for nothing else.
CREATE INDEX scores_that_failed ON scores (run, seq) WHERE passed = 0;
CREATE INDEX scores_that_erred ON scores (run, seq) WHERE error IS NOT NULL;
CREATE INDEX trials_that_erred ON trials (run, seq) WHERE error IS NOT NULL;
CREATE INDEX trials_not_ok ON trials (run, outcome, seq) WHERE outcome <> 'ok';

-- Answers that only a deleted run referred to: the next `db vacuum` takes those still unused.
CREATE TABLE unused_answers (
    generation INTEGER PRIMARY KEY REFERENCES generations(id) ON DELETE CASCADE
);
"""

# For every row that a run stores they took time, a thirtieth of all that a small run takes. Whoever
# adds results takes the figures away, once in a transaction: see `statements.FORGET_FIGURES`.
ROWS_KEPT = """
-- Computed again when they are next asked for.
DELETE FROM run_figures;
DROP TRIGGER figures_of_new_trial;
DROP TRIGGER figures_of_new_score;
DROP TRIGGER figures_of_new_answer;

-- The results by one scorer, as columns of numbers; `part` then names the scorer by its position.
ALTER TABLE run_figures ADD COLUMN rows BLOB;

CREATE TRIGGER figures_of_changed_turn AFTER UPDATE ON trial_turns
BEGIN DELETE FROM run_figures WHERE run IN (OLD.run, NEW.run); END;
CREATE TRIGGER figures_of_lost_turn AFTER DELETE ON trial_turns
BEGIN DELETE FROM run_figures WHERE run = OLD.run; END;
CREATE TRIGGER figures_of_changed_ending AFTER UPDATE OF finish_reason ON generations
BEGIN DELETE FROM run_figures WHERE run IN (
    SELECT run FROM trial_turns WHERE generation = OLD.id
); END;
"""
