"""One process for the tests: plain kernels, a home of its own, and how hard Hypothesis tries."""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import typer.testing
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir
from platformdirs import user_cache_path

from perpbook.kernels import jit


def kept_folder() -> Path:
    """What survives from run to run: compiled kernels and Hypothesis' own notes, outside the repository."""
    folder = Path(os.environ.get("PERPBOOK_TEST_HOME") or user_cache_path("perpbook-tests"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    return Path(tempfile.gettempdir()) / "perpbook-tests"


KEPT = kept_folder()
HOME = Path(tempfile.mkdtemp(prefix="perpbook-home-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

# Before any kernel is imported: plain Python starts at once, and `tests/parity` runs the laws compiled as well.
os.environ.setdefault("PERPBOOK_KERNELS", "plain")
os.environ.setdefault("NUMBA_CACHE_DIR", str(KEPT / "kernels" / jit.sources()))
os.environ["PERPBOOK_HOME"] = str(HOME)
# Before numpy is loaded: workers share the cores, and threads of BLAS that wait for a busy one cost ten times the work.
for limit in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(limit, "1")
set_hypothesis_home_dir(KEPT / "hypothesis")

# After that, for it loads numpy: plain kernels read millions of fields by name, five times as fast so.
importlib.import_module("tests.records").find_fields_by_item()

# One command line for all runs of a process: a `CliRunner` builds every command anew each time, in a fifth of a second.
typer.testing._get_command = cache(typer.testing._get_command)  # type: ignore[attr-defined]

settings.register_profile(
    "commit",
    deadline=None,
    derandomize=True,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("deep", parent=settings.get_profile("commit"), derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("PERPBOOK_HYPOTHESIS", "commit"))


# What is loaded stays: the collector looks at none of it, neither while tests are found nor thousands of times after.
gc.disable()


SELDOM = (50_000, 20, 20)


def pytest_collection_finish() -> None:
    """From here on only what tests leave behind is looked at, and seldom."""
    gc.freeze()
    gc.unfreeze = _nothing  # A guard that ends thaws all, and whatever comes next would look through it.
    gc.set_threshold(*SELDOM)
    gc.enable()


def pytest_runtest_teardown() -> None:
    """A guard in this process has set how often is looked."""
    gc.set_threshold(*SELDOM)


def _nothing() -> None:
    return None


def pytest_report_header() -> str:
    """Which kernels this process runs."""
    from perpbook.kernels import jit

    return f"kernels: {jit.mode()}"
