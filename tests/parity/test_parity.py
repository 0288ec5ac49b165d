"""Compiled and plain kernels are one: the same books give the same bits, and the laws hold in both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from perpbook.kernels.state import (
    DEPTH_SHARE,
    FUNDING_MOVED,
    MARGIN_MODE,
    POSITION_LOSS,
    REASONS,
    SLEEVE_MAX,
    SLEEVE_MIN,
)

ROOT = Path(__file__).parents[2]
REORDERED = ("grid.equity", "grid.maintenance", "stress_grid.equity", "stress_grid.maintenance")
"""Sums that vector instructions may take in another order."""
LAWS = ("test_margin", "test_liquidation", "test_stress_grid")


def run(arguments: list[str], settings: Mapping[str, str]) -> str:
    """A Python process in the repository, with the kernels' mode said; what it printed, or its failure."""
    inherited = {
        key: value for key, value in os.environ.items() if key not in ("PERPBOOK_KERNELS", "NUMBA_DISABLE_JIT")
    }
    paths = os.pathsep.join(filter(None, (str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", ""))))
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True,
        env={**inherited, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", **settings},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def arrays(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """Every array of the seeded books, by mode. The first compilation of a machine takes a quarter of a minute."""
    folder, found = tmp_path_factory.mktemp("parity"), {}
    for mode, told in (("plain", "plain False"), ("compiled", "compiled True")):
        path = folder / f"{mode}.npz"
        assert run(["-m", "tests.parity.books", str(path)], {"PERPBOOK_KERNELS": mode}).startswith(told)
        with np.load(path) as stored:
            found[mode] = {name: stored[name] for name in stored.files}
    return found


def test_the_books_reach_what_they_should(arrays: dict[str, dict[str, np.ndarray]]) -> None:
    plain = arrays["plain"]
    assert len({name.split(".", 1)[0] for name in plain}) == 20
    everything = {part: np.concatenate([plain[name].ravel() for name in plain if name.endswith(part)]) for part in (
        "measures.liquidation", "grid.fraction", "Proposals.scale", "Findings.code", "largest_scales", "measures.move",
    )}  # fmt: skip
    checked = [plain[name] for name in plain if name.endswith("Findings.code") and "Mind" not in name]
    by_book = {*range(POSITION_LOSS, DEPTH_SHARE + 1), MARGIN_MODE, SLEEVE_MIN, SLEEVE_MAX}
    assert by_book <= set(np.concatenate(checked).tolist())
    assert {*range(1, REASONS)} - {FUNDING_MOVED} <= set(everything["Findings.code"].astype(int).tolist())
    for part in ("measures.liquidation", "grid.fraction"):
        assert np.isnan(everything[part]).any() and not np.isnan(everything[part]).all()
    assert ((everything["Proposals.scale"] > 0) & (everything["Proposals.scale"] < 1)).any()
    assert (everything["largest_scales"] > 0).any()


def test_every_array_is_the_same_to_the_bit_compiled_and_plain(arrays: dict[str, dict[str, np.ndarray]]) -> None:
    plain, compiled = arrays["plain"], arrays["compiled"]
    assert plain.keys() == compiled.keys()
    different = []
    for name, ours in plain.items():
        theirs = compiled[name]
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, name
        if name.endswith(REORDERED):
            same = np.allclose(ours, theirs, rtol=1e-12, atol=1e-12 * np.abs(ours).max(initial=0.0))
        else:
            same = np.array_equal(ours, theirs, equal_nan=True)
        different += [] if same else [name]
    assert not different


def test_switching_the_compiler_off_means_plain() -> None:
    code = "from perpbook.kernels import jit, margin; print(jit.mode(), hasattr(margin.account_margin, 'py_func'))"
    assert run(["-c", code], {"NUMBA_DISABLE_JIT": "1"}).split() == ["plain", "False"]
    assert run(["-c", code], {"NUMBA_DISABLE_JIT": "1", "PERPBOOK_KERNELS": "compiled"}).split() == ["plain", "False"]
    assert run(["-c", code], {"NUMBA_DISABLE_JIT": "0", "PERPBOOK_KERNELS": "plain"}).split() == ["plain", "False"]
    assert run(["-c", code], {}).split() == ["compiled", "True"]


@pytest.mark.slow
def test_the_laws_hold_compiled_too() -> None:
    files = [f"tests/laws/{name}.py" for name in LAWS]
    said = run(
        ["-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=", "-p", "no:xdist", *files],
        {"PERPBOOK_KERNELS": "compiled"},
    )
    assert " passed" in said and "failed" not in said and "kernels: compiled" in said
