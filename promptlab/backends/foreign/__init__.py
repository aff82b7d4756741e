"""User-defined backends behind a boundary: their mistakes are reported as theirs."""
