"""A project on disk: its folder, the backends it names, and its decision rule."""
