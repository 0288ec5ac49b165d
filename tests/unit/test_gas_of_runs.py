"""Gas in the lake and in runs, by its faces: what is refused, what is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from perpbook.errors import DataError, InputError
from perpbook.history.importing import import_file
from perpbook.history.lake import Lake
from perpbook.history.quality import examine
from perpbook.history.recognise import Naming
from perpbook.model.data_finding import Severity
from perpbook.model.units import DAY_NS, HOUR_NS, from_iso, to_iso
from perpbook.runs.asked import asked_from
from perpbook.runs.backtest import run_backtest
from perpbook.runs.past_gas import past_of_gas
from perpbook.runs.treasury_given import TreasuryGiven, treasurer_of, weather
from perpbook.treasury.facts_load import packaged_facts
from perpbook.treasury.past_gas import GasPast, Past
from tests.laws.test_treasurer import RISE, pair
from tests.unit.history_lakes import MS, START, candles, funding, put
from tests.unit.test_treasury_runs import BOOK

ROWS = 9 * 24
SPIKE = from_iso("2021-05-19")


def gas(values: Sequence[float], start_ns: int = START - DAY_NS) -> pl.DataFrame:
    times = (start_ns + np.arange(len(values)) * HOUR_NS) // MS
    return pl.DataFrame({"ts": times, "gwei": np.asarray(values, dtype=float)})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short in bitcoin that loses, USDC on Arbitrum, and gas on Arbitrum at 5 gwei."""
    folder = tmp_path_factory.mktemp("gas")
    (folder / "book.toml").write_text(BOOK)
    lake = Lake(folder / "lake")
    put(lake, candles([60_000.0 * (1.0 + 0.0007 * hour) for hour in range(60)]), name="hyperliquid BTC-USD")
    put(lake, funding(20), kind="funding", name="hyperliquid BTC-USD")
    put(lake, candles(np.full(90, 3_000.0)), kind="candles_spot", name="kraken ETH-USD")
    put(lake, gas([5.0] * ROWS), kind="gas", name="arbitrum GAS-GWEI")
    return folder


def ran(place: Path, rules: str = "", **more: object) -> tuple[list[str], object]:
    (place / "rules.toml").write_text("schema_version = 1\n" + rules)
    asked = {"book": place / "book.toml", "playbook": place / "rules.toml", "lake": place / "lake", **more}
    found = run_backtest(asked_from(asked))
    return [*found.notes], found


def test_a_run_pays_the_lakes_base_fee_at_the_coins_price_of_the_lake(place: Path) -> None:
    notes, _ = ran(place, treasury=True, alarm=0.3)
    told = "; ".join(notes)
    assert "gas on Arbitrum One in" in told and "1h of 2023-12-31" in told
    assert "ETH for gas at its last close: candles_spot kraken ETH-USD" in told


def test_a_playbook_that_never_tops_up_has_a_treasurer_who_does_not(place: Path) -> None:
    notes, _ = ran(place, '[margin]\ntop_up = "never"', treasury=True, alarm=0.3)
    assert any("never tops up accounts" in note for note in notes)
    notes, _ = ran(place, '[margin]\ntop_up = "propose"')
    assert any("--treasury puts in a treasurer" in note for note in notes)
    notes, _ = ran(place, '[margin]\ntop_up = "propose"', treasury=True)
    assert not any("--treasury" in note for note in notes)


def test_gas_below_zero_is_not_imported(tmp_path: Path) -> None:
    rows = [f"{to_iso(START + hour * HOUR_NS)},{5 - hour}" for hour in range(12)]
    (tmp_path / "gas.csv").write_text("\n".join(["date,gwei", *rows]))
    with pytest.raises(InputError, match="cannot import"):
        import_file(tmp_path / "gas.csv", Lake(tmp_path / "lake"), Naming(), 0)


def test_gas_of_another_layer_is_named_by_its_venue(tmp_path: Path) -> None:
    rows = [f"{to_iso(START + hour * HOUR_NS)},{5 + hour}" for hour in range(12)]
    (tmp_path / "gas.csv").write_text("\n".join(["date,gwei", *rows]))
    lake = Lake(tmp_path / "lake")
    for venue in (None, "arbitrum"):
        import_file(tmp_path / "gas.csv", lake, Naming(venue=venue), 0)
    assert [one.id.venue for one in lake.held("gas")] == ["arbitrum", "ethereum"]


def test_wrong_and_dear_gas_is_found(tmp_path: Path) -> None:
    lake, values = Lake(tmp_path), np.full(60, 20.0)
    values[30], values[50] = 400.0, 0.0
    put(lake, gas(values.tolist()), kind="gas", name="ethereum GAS-GWEI")
    found = {one.code: one.severity for one in examine(lake, kind="gas")}
    assert found == {"spike": Severity.WARNING, "free_gas": Severity.WARNING}
    outside = gas([20.0] * 30).with_columns(pl.lit(25.0).alias("gwei_min"), pl.lit(30.0).alias("gwei_max"))
    put(lake, outside, kind="gas", name="base GAS-GWEI")
    assert [one.code for one in examine(lake, kind="gas", venue="base")] == ["impossible_bar"]


def test_a_run_refuses_gas_that_cannot_be(place: Path, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    for held in Lake(place / "lake").held():
        name = f"{held.id.venue} {held.id.symbol}"
        put(lake, Lake(place / "lake").read(held), kind=held.id.kind, name=name, bar_ns=held.id.bar_ns)
    put(lake, gas([-1.0] * ROWS), kind="gas", name="arbitrum GAS-GWEI")
    with pytest.raises(DataError, match="below zero"):
        ran(place, lake=lake.root, treasury=True)
    assert not ran(place, lake=lake.root)[1].findings  # type: ignore[attr-defined]


def test_what_was_known_before_a_run_began_is_read_too(tmp_path: Path) -> None:
    journey, lake = pair(RISE), Lake(tmp_path)
    begins = int(journey.bars.open_ns[0])
    put(lake, gas([7.0] * 30, begins - 2 * HOUR_NS), kind="gas", name="ethereum GAS-GWEI")
    past, findings = past_of_gas(tmp_path, journey, packaged_facts())
    assert past.fee("ethereum", 0.0) == 7.0 and not findings and set(past.fees) == {"ethereum"}
    assert past.price("ETH", 3_600.0) == journey.bars.close[0, 0]


def test_a_storm_at_its_own_time_is_in_the_lakes_fees_and_at_another_it_is_not() -> None:
    journey = pair(RISE)
    day = replace(journey, bars=replace(journey.bars, open_ns=journey.bars.open_ns - journey.bars.open_ns[0] + SPIKE))
    fees = Past(starts=np.arange(-2.0, 30.0) * 3_600.0, width=3_600.0, values=np.full(32, 90.0))
    past = GasPast(fees={"ethereum": (fees,)})
    for storm, away in (("gas-ethereum-2021-05-19", 0), ("gas-ethereum-2022-05-01@2021-05-19T02:00", 1)):
        found = weather(TreasuryGiven(acts=True, storms=(storm,)), day, past)
        assert len(found.sky.absences) == away
        assert any("not made dearer" in note for note in found.notes) is (away == 0)
    assert weather(TreasuryGiven(acts=True, storms=("gas-ethereum-2021-05-19",)), day, GasPast()).sky.absences
    assert treasurer_of(TreasuryGiven(acts=True), day, found.sky, None, past).courier.toll is not None
