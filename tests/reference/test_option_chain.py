"""Deribit's own chain: what the page says of it, and that its smiles allow no arbitrage on any day of it.

Needs the folder of real history (PERPBOOK_DATA); skipped, with the reason printed, where it is not.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.model.units import from_iso
from perpbook.options.revalue import VolatilityRule, dollars_after, lay
from perpbook.runs.options import chart, read_chains

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def table() -> Path:
    folder = Path(os.environ.get("PERPBOOK_DATA", ROOT / "../shared/data")).resolve()
    path = folder / "options" / "deribit_chain_2026-08.parquet"
    if not path.is_file():
        pytest.skip(f"no chain at {path} (PERPBOOK_DATA): this test needs real history")
    return path


def test_the_page_shows_what_the_program_says_of_a_real_chain(table: Path) -> None:
    page = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    block = re.search(r"```console\n\$ (perpbook options chain .*?)```", page, re.DOTALL)
    assert block
    _, *shown = block[1].splitlines()
    said = CliRunner().invoke(app, ["options", "chain", str(table), "--coin", "BTC"]).output
    printed = [line.rstrip() for line in said.splitlines()]
    assert [line for line in shown if line.rstrip() not in printed] == []


@pytest.mark.slow
@pytest.mark.parametrize("day", ["2026-08-06", "2026-08-07"])
def test_smiles_of_a_real_chain_fit_and_allow_no_arbitrage(table: Path, day: str) -> None:
    for chain in read_chains([table], at_ns=from_iso(f"{day}T00:00:00")).values():
        surface = chart(chain)
        assert len(surface.smiles) == 12 and not surface.left_out
        assert all(one.is_free_of_arbitrage for one in surface.smiles)
        assert all(one.error < (0.006 if one.years > 2.0 / 365.0 else 0.013) for one in surface.smiles)


@pytest.mark.slow
def test_values_of_a_real_chain_keep_the_bounds_of_every_price(table: Path) -> None:
    chain = read_chains([table])["BTC"]
    surface = chart(chain)
    contracts = [quote.contract for one in chain.expiries for quote in one.quotes]
    laid, moves = lay(chain, contracts), np.array([0.6, 0.9, 1.0, 1.3])
    worth = dollars_after(surface, laid, moves, np.full(4, 3.0 / 365.0), VolatilityRule(with_spot=0.0))
    spot = surface.spot * moves
    least = np.where(laid.call[:, None] != 0, spot - laid.strike[:, None], laid.strike[:, None] - spot)
    calls = laid.call != 0
    assert (worth >= np.maximum(least, 0.0) - 0.1 * laid.strike[:, None]).all()
    assert (worth[calls] <= spot * 1.001).all() and (worth[~calls] <= laid.strike[~calls, None] * 1.05).all()
    assert (np.diff(worth[calls], axis=1) >= -1e-9).all() and (np.diff(worth[~calls], axis=1) <= 1e-6).all()
