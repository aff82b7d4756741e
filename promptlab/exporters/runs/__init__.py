"""The results of a run as files for others: one row for each trial."""
