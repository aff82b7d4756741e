"""The extra `local`: check that it is installed, and import it quickly."""

from __future__ import annotations

import gc
import importlib.util
import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from promptlab.core import extras
from promptlab.core.errors import BackendError

_PACKAGES = ("torch", "transformers", "safetensors")
_GPU_DRIVERS = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd")  # CUDA, CUDA in WSL, ROCm


def installed(package: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    return importlib.util.find_spec(package) is not None


def require(*more: str) -> None:
    """Raise `BackendError` unless the extra `local` (and the packages in `more`) is installed."""
    missing = [package for package in (*_PACKAGES, *more) if not installed(package)]
    if missing:
        raise BackendError(
            f"local models need {', '.join(missing)}, which is not installed",
            hint=extras.install("local", *missing),
        )


def may_see_gpu() -> bool:
    """Return whether torch could see a GPU (build and driver), without importing it."""
    if not installed("torch") or version("torch").endswith("+cpu"):
        return False
    return os.name == "nt" or any(Path(driver).exists() for driver in _GPU_DRIVERS)


@contextmanager
def importing_torch(environ: MutableMapping[str, str]) -> Iterator[None]:
    """Import torch within: quickly, and so that it coexists with other programs.

    Garbage collection is paused, as it frees nothing and costs a fifth of the time. torch's idle
    threads are set to sleep soon: by default they spin, and two models on one machine then take
    ten times as long as one. Spinning for some microseconds first saves a third of a single
    model's time, as most gaps between two operations are shorter.
    """
    environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    environ.setdefault("GOMP_SPINCOUNT", "1000")
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
