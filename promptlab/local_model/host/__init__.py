"""This machine: its memory, threads, and the libraries that are installed on it."""
