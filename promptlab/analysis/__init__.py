"""From measured results to a verdict: runs joined, differences estimated, doubts, early stopping.

It knows no database and no terminal; which differences are asked for is for `compare` and
`practices` to say, and what decides stands in `rule`.
"""
