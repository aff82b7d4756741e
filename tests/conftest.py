"""What every test may use: a project in a temporary folder, and guards."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol
from hypothesis import HealthCheck, settings

from promptlab.core import masking

from .remote.fault_server import FaultServer
from .remote.vendor_server import VendorServer

# Before torch is imported: test processes side by side must not spin while they wait (see
# `promptlab.local_model.host.extra`).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Databases are synced to disk in earnest: most of what their tests wait for. In memory that takes
# no time; a container may have little of it there.
_MEMORY, _ROOM = Path("/dev/shm"), 2_000_000_000
if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM and os.access(_MEMORY, os.W_OK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))

# Where the tests run in the background of a script, Ctrl-C is ignored, and every process that they
# start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Collection makes a million objects that stay. To look through them for garbage again and again
# takes seconds.
gc.disable()

# The same examples on every machine; a busy one is no reason to fail. `make test-slow` takes the
# profile `thorough`.
HOUSE = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("quick", HOUSE, max_examples=15)
settings.register_profile("thorough", HOUSE, max_examples=200)
settings.load_profile("quick")

DEFAULT_DATABASE = Path(__file__).parent.parent / "promptlab.db"


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()
    gc.set_threshold(20_000, 10, 10)  # the usual 700 looks through what tests leave far too often


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Run a test in a process that reports to another: tell of the call, and of what went wrong.

    By default three reports of each test and its start are told, which takes two milliseconds.
    """
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.fixture(autouse=True)
def _no_known_keys() -> Iterator[None]:
    """Forget the keys that a test planted: they would be struck out of what others print."""
    yield
    masking.forget()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an empty project: a folder with `templates/` and `suites/`."""
    root = tmp_path / "project"
    (root / "templates").mkdir(parents=True)
    (root / "suites").mkdir()
    return root


@pytest.fixture
def write(project: Path) -> Callable[[str, str | bytes], Path]:
    """Return a function that writes a file below the project, as bytes or UTF-8 text."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write_file


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """Return a server that speaks OpenAI's chat completions and fails as it is told to."""
    with FaultServer() as server:
        yield server


@pytest.fixture
def vendor_server() -> Iterator[VendorServer]:
    """Return a server that speaks the APIs of all vendors and sees what images show."""
    with VendorServer() as server:
        yield server


@pytest.fixture(scope="module")
def lasting_vendor_server() -> Iterator[VendorServer]:
    """Return such a server for all tests of a module."""
    with VendorServer() as server:
        yield server


@pytest.fixture(autouse=True)
def _database_is_left_alone() -> Iterator[None]:
    """Fail a test that makes or changes the database of this checkout."""
    before = _state(DEFAULT_DATABASE)
    yield
    assert _state(DEFAULT_DATABASE) == before, "the test touched the default database"


def _state(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_size
