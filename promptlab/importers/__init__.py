"""Outcomes that other tools have measured, read as runs of ours."""
