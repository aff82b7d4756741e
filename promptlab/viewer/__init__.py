"""The local web viewer: pages of all runs of a database, for one browser on this machine."""
