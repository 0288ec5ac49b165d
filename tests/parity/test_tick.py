"""Seeded runs compiled: the same as plain, held to every law of the tick, and seen alike by `check`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.parity.test_parity import run

LAST, LONGEST = 150, 600

pytestmark = pytest.mark.slow


def test_a_run_is_the_same_compiled_and_plain(tmp_path: Path) -> None:
    stored = {}
    for mode in ("plain", "compiled"):
        path = tmp_path / f"{mode}.npz"
        assert run(["-m", "tests.runs.arrays", str(path)], {"PERPBOOK_KERNELS": mode}).startswith(mode)
        with np.load(path) as found:
            stored[mode] = {name: found[name] for name in found.files}
    plain, compiled = stored["plain"], stored["compiled"]
    assert plain.keys() == compiled.keys() and any(
        (plain[name] != 0).any() for name in plain if name.endswith("figures")
    )
    assert not [name for name in plain if not np.array_equal(plain[name], compiled[name], equal_nan=True)]


def test_many_compiled_futures_keep_the_laws_of_drills() -> None:
    assert "compiled futures hold" in run(["-m", "tests.runs.futures"], {"PERPBOOK_KERNELS": "compiled"})


def test_many_compiled_runs_keep_the_laws_of_the_tick() -> None:
    said = run(["-m", "tests.runs.judge", "0", str(LAST), str(LONGEST)], {"PERPBOOK_KERNELS": "compiled"})
    assert f"compiled: {LAST} seeds, 0 broken" in said
    for happened in (
        "'liquidations'",
        "'backstops'",
        "'refused'",
        "'limit order'",
        "'survival'",
        "'leverage.book.net'",
    ):
        assert happened in said, "the seeds no longer reach this"
