"""Pages that open from a disk or a server: one shell, one style, and pieces that take views."""
