"""Backends of a user's, behind a border: what they do wrong is told as theirs."""
