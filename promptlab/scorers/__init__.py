"""How outputs are graded: a scorer is a function of one `Sample`, decorated with `@scorer`.

    @scorer(version="1")
    def exact_match(sample: Sample, *, target: str = "{{ expect }}") -> bool:
        '''The whole output equals the target.'''

The parameters after the sample are the scorer's options: they are checked against their
annotations, and a text that contains `{{ ... }}` is filled in from the case (`fill`). A scorer
returns a verdict (bool), a number, or a `Score` with a reason. It may be async. An exception
becomes a failed score and never ends a run.

A scorer that needs answers from a model defines `asks`, a function of the same arguments that
returns its questions (`Ask`); `Sample.answer_to` then returns the answers. The function is called
again with the answers so far until it asks nothing new. A parameter annotated `BackendName` names
the backend to ask; without one, the question goes to the model that gave the answer. If no scorer
of a suite reads the output (`reads_output=False`), the likeliest of several answers that such a
question weighs may stand in for it.

A scorer is looked up by name among the built-in ones, then among the entry points
`promptlab.scorers`, or as `module:attr` in the user's project, where it may also be a plain
function without the decorator.
"""

from __future__ import annotations

import importlib
import warnings

# Where names are that were documented here.
_MOVED = {
    "Ask": "asking",
    "BackendName": "asking",
    "Sample": "sample",
    "scorer": "decorator",
}


def __getattr__(name: str) -> object:
    """Return a name that was documented here, with a warning that says where it is now."""
    if name not in _MOVED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    warnings.warn(
        f"promptlab.scorers.{name} is deprecated: use promptlab.{name}",
        DeprecationWarning,
        stacklevel=2,
    )
    moved: object = getattr(importlib.import_module(f"{__name__}.{_MOVED[name]}"), name)
    globals()[name] = moved  # Python asks twice in one import
    return moved
