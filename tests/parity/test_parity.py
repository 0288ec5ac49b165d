"""Compiled and plain kernels are one: the same books give the same bits, and the laws hold in both."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
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


Arrays = dict[str, np.ndarray]


def of_books(folder: Path, mode: str, part: str) -> Arrays:
    """Every array of the seeded books in one mode."""
    path = folder / f"{mode}.npz"
    said = run(["-m", "tests.parity.books", str(path), part], {"PERPBOOK_KERNELS": mode})
    assert said.startswith({"plain": "plain False", "compiled": "compiled True"}[mode])
    with np.load(path) as stored:
        return {name: stored[name] for name in stored.files}


def joined(arrays: Arrays, part: str) -> np.ndarray:
    """All numbers of the arrays whose names end so."""
    return np.concatenate([array.ravel() for name, array in arrays.items() if name.endswith(part)])


def reach_small(plain: Arrays) -> None:
    """Gains and losses, and volatilities that are found."""
    profits, implied = (joined(plain, part) for part in ("unrealized_pnls", "implied_volatilities"))
    assert (profits > 0.0).any() and (profits < 0.0).any() and (implied > 0.0).any()


def reach_sums(plain: Arrays) -> None:
    """Deaths and survivals, in sight and not, or a parity of nothing is held."""
    for part in ("measures.liquidation", "grid.fraction"):
        found = joined(plain, part)
        assert np.isnan(found).any() and not np.isnan(found).all()
    assert (joined(plain, "largest_scales") > 0).any() and joined(plain, "measures.move").size


def reach_decisions(plain: Arrays) -> None:
    """Every rule, in a book or by time, and trims."""
    checked = [plain[name] for name in plain if name.endswith("Findings.code") and "Mind" not in name]
    by_book = {*range(POSITION_LOSS, DEPTH_SHARE + 1), MARGIN_MODE, SLEEVE_MIN, SLEEVE_MAX}
    assert by_book <= set(np.concatenate(checked).tolist())
    codes = set(joined(plain, "Findings.code").astype(int).tolist())
    assert {*range(1, REASONS)} - {FUNDING_MOVED} <= codes
    scales = joined(plain, "Proposals.scale")
    assert ((scales > 0) & (scales < 1)).any()


def differ(plain: Arrays, compiled: Arrays) -> list[str]:
    """Names of the arrays that are not the same to the bit, or nearly so where sums may be taken in another order."""
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
    return different


@pytest.mark.parametrize(
    ("part", "reach"),
    [
        ("small", reach_small),
        pytest.param("sums", reach_sums, marks=pytest.mark.slow),
        pytest.param("decisions", reach_decisions, marks=pytest.mark.slow),
    ],
)
def test_every_array_is_the_same_to_the_bit_compiled_and_plain(
    part: str, reach: Callable[[Arrays], None], tmp_path: Path
) -> None:
    plain, compiled = (of_books(tmp_path, mode, part) for mode in ("plain", "compiled"))
    assert {name.split(".", 1)[0] for name in plain} == {str(seed) for seed in range(20)}
    reach(plain)
    assert not differ(plain, compiled)


def test_switching_the_compiler_off_means_plain() -> None:
    code = "from perpbook.kernels import jit, margin; print(jit.mode(), hasattr(margin.account_margin, 'py_func'))"
    assert run(["-c", code], {"NUMBA_DISABLE_JIT": "1"}).split() == ["plain", "False"]
    assert run(["-c", code], {"NUMBA_DISABLE_JIT": "1", "PERPBOOK_KERNELS": "compiled"}).split() == ["plain", "False"]
    assert run(["-c", code], {"NUMBA_DISABLE_JIT": "0", "PERPBOOK_KERNELS": "plain"}).split() == ["plain", "False"]
    assert run(["-c", code], {}).split() == ["compiled", "True"]


@pytest.mark.slow
def test_a_part_may_be_called_from_python() -> None:
    """Though what kernels link of it is no machine code."""
    code = (
        "import numpy as np; from perpbook.kernels.rows import copy_row as part; to = np.zeros(3); "
        "part(np.ones(3), to); print(to.sum(), type(part).__name__, len(part.overloads))"
    )
    assert run(["-c", code], {"PERPBOOK_KERNELS": "compiled"}).split() == ["3.0", "Part", "0"]


@pytest.mark.slow
def test_the_laws_hold_compiled_too() -> None:
    files = [f"tests/laws/{name}.py" for name in LAWS]
    said = run(
        ["-m", "pytest", "-p", "no:cacheprovider", "-o", "addopts=", "-p", "no:xdist", *files],
        {"PERPBOOK_KERNELS": "compiled"},
    )
    assert " passed" in said and "failed" not in said and "kernels: compiled" in said
