"""From measured results to a verdict: runs joined, differences estimated, doubts, early stopping.

It knows nothing of the database or the terminal; `compare` and `practices` define which
differences are estimated, and `rule` holds the thresholds that decide.
"""
