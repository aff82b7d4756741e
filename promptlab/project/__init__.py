"""A project on disk: its folder, the backends it names, and how it decides."""
