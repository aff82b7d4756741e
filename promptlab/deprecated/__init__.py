"""Modules under the names that they had when plugins were first written; each says its new one.

`promptlab` has this folder on its path, so that `promptlab.types` is found here. Nothing of ours
imports it.
"""
