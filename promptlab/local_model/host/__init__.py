"""This machine: its memory, threads and installed libraries."""
