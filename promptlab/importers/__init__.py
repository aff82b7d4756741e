"""Outcomes measured by other tools, imported as runs."""
