"""A package, so that processes which tests start find it before a library's folder of this name."""
