"""The scorers that come with promptlab, one module a family."""
