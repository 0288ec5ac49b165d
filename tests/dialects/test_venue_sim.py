"""`venue-sim`: a book's venues on standing prices, a storm or the past; refusals; what it prints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import perpbook.examples
from perpbook.cli.main import app
from perpbook.dialects.hyperliquid_face import HyperliquidFace
from perpbook.dialects.venue import ServedVenue
from perpbook.errors import InputError, PerpbookError
from perpbook.model.order import OrderRequest
from perpbook.model.units import HOUR_NS
from perpbook.runs.guard_config import read_config
from perpbook.runs.venue_sim import SimAsked, Simulation, faults_of, outcome, prepare, told
from perpbook.runs.venue_sim_config import write_config
from perpbook.simulation.faults import Faults
from perpbook.venues.keys import load_secret
from tests.unit.history_lakes import candles, lake_with

BOOKS = Path(perpbook.examples.__file__).parent
HEDGED = BOOKS / "hedged" / "book.toml"


@contextmanager
def prepared(book: str = "hedged", **given: Any) -> Iterator[Simulation]:
    made = prepare(SimAsked(book=BOOKS / book / "book.toml", **{"proxies": {}, **given}))
    try:
        yield made
    finally:
        made.listening.close()


def at(venue: ServedVenue, elapsed_ns: int) -> None:
    """Stop the wall's clock at so long after the start, and let the venue catch up with it."""
    shown = venue.pace.began_ns + elapsed_ns
    venue.pace = replace(venue.pace, monotonic_ns=lambda: shown)
    venue.catch_up()


def test_a_book_is_served_as_it_stands() -> None:
    with prepared() as made:
        assert list(made.venues) == ["hyperliquid", "binance"]
        venue = made.venues["hyperliquid"]
        assert venue.truth.account("hl-long").positions[0].quantity == 3.0
        assert venue.truth.book("BTC").depth.bids[0] == (89_995.0, 3.0)
        at(venue, HOUR_NS // 2)
        assert venue.truth.book("BTC").depth.bids[0] == (89_995.0, 3.0)


def test_funding_is_paid_at_the_hour_and_told_as_the_venue_tells_it() -> None:
    with prepared() as made:
        venue, face = made.venues["hyperliquid"], made.faces["hyperliquid"]
        assert isinstance(face, HyperliquidFace)
        user, before = made.keys["hyperliquid"][0].public, len(venue.rates["BTC"])
        at(venue, HOUR_NS)
        paid = face.dialect.info({"type": "userFunding", "user": user, "startTime": 0})
        assert [row["delta"]["usdc"] for row in paid] == ["-3.375"]
        assert (
            len(venue.rates["BTC"]) == before + 1
            and paid[0]["time"] == venue.truth.settled("hl-long")[0].at_ns // 10**6
        )


STORM: dict[str, Any] = {"storm": "crash-2020-03-12", "speed": 1000.0, "wait_ns": 10**9}


def test_a_storm_kills_what_stands_still() -> None:
    with prepared(**STORM) as made:
        venue = made.venues["hyperliquid"]
        at(venue, 10**9)
        assert venue.truth.prices("BTC").mark == 90_000.0
        at(venue, 48 * HOUR_NS // 1000 + 2 * 10**9)
        assert venue.liquidated and not venue.truth.account("hl-long").positions
        assert "liquidated" in "\n".join(outcome(made))


def test_a_liquidation_is_among_the_fills_of_its_user() -> None:
    with prepared(**STORM) as made:
        at(made.venues["hyperliquid"], 48 * HOUR_NS // 1000 + 2 * 10**9)
        face, user = made.faces["hyperliquid"], made.keys["hyperliquid"][0].public
        assert isinstance(face, HyperliquidFace)
        fills = face.dialect.info({"type": "userFills", "user": user})
        assert {fill["liquidation"]["liquidatedUser"] for fill in fills} == {user}
        assert fills[-1]["startPosition"] == "3.0" and float(fills[-1]["closedPnl"]) < 0


def test_an_isolated_position_is_its_parents_and_trades_in_its_own_bucket() -> None:
    with prepared("desk") as made:
        face, user = made.faces["hyperliquid"], made.keys["hyperliquid"][0].public
        assert isinstance(face, HyperliquidFace)
        state = face.dialect.info({"type": "clearinghouseState", "user": user})
        kinds = {row["position"]["coin"]: row["position"]["leverage"]["type"] for row in state["assetPositions"]}
        assert kinds == {"BTC": "cross", "ETH": "cross", "SOL": "isolated"}
        assert made.venues["hyperliquid"].at_home("hl-main", "SOL") == "hl-sol"


def test_an_account_that_is_trimmed_in_time_lives_through_it() -> None:
    with prepared(**STORM) as made:
        venue = made.venues["hyperliquid"]
        at(venue, 0)
        venue.place(
            OrderRequest(
                client_id="0x" + "1" * 32,
                account="hl-long",
                venue="hyperliquid",
                symbol="BTC",
                quantity=-2.5,
                limit_price=89_900.0,
                reduce_only=True,
            )
        )
        at(venue, 48 * HOUR_NS // 1000 + 2 * 10**9)
        assert not venue.liquidated and venue.truth.account("hl-long").positions[0].quantity == 0.5


def test_the_past_is_replayed_as_moves_from_the_books_prices(tmp_path: Path) -> None:
    lake = lake_with(tmp_path, candles([100.0, 100.0, 90.0, 110.0]))
    proxies = {"hyperliquid": "binance"}
    with prepared(lake=lake.root, bar_ns=HOUR_NS, proxies=proxies, speed=3600.0) as made:
        seen = []
        for seconds in range(6):
            at(made.venues["hyperliquid"], seconds * 10**9)
            seen.append(round(made.venues["hyperliquid"].truth.prices("BTC").mark))
        assert min(seen) < 82_000 and seen[-1] == round(90_000 * 1.1)


def test_the_same_seed_makes_the_same_keys_and_another_does_not() -> None:
    with prepared(seed=3) as one, prepared(seed=3) as same, prepared(seed=4) as other:
        assert one.keys == same.keys and one.keys["binance"] != other.keys["binance"]
        assert one.keys["hyperliquid"][0].secret not in repr(one.keys)


def test_faults_are_read_as_those_who_suffer_them_say() -> None:
    found = faults_of(["500=0.01", "late=0.5", "stale=1", "skew=-2s", "hang=0"])
    assert found == Faults(error=0.01, delay=0.5, stale_account=1.0, skew_ns=-2 * 10**9)


@pytest.mark.parametrize("words", ["500", "hang=2", "hang=-0.1", "hang=NaN", "hang=often", "typo=0.1", "skew=soon"])
def test_a_fault_that_is_none_is_refused(words: str) -> None:
    with pytest.raises(InputError):
        faults_of([words])


@pytest.mark.parametrize(
    "given",
    [
        {"host": "0.0.0.0"},
        {"host": "localhost"},
        {"speed": 0.0},
        {"speed": float("nan")},
        {"storm": "no-such-storm"},
        {"storm": "gap-down", "lake": Path(".")},
        {"lake": Path("no-such-folder")},
    ],
)
def test_what_cannot_be_served_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(PerpbookError), prepared(**given):
        pass


def test_a_book_of_other_venues_is_refused(tmp_path: Path) -> None:
    book = tmp_path / "book.toml"
    book.write_text(HEDGED.read_text().replace('"hyperliquid"', '"bybit"').replace('"binance"', '"okx"'))
    with pytest.raises(PerpbookError):
        prepare(SimAsked(book=book, proxies={}))


def test_settings_name_the_address_and_the_keys() -> None:
    with prepared() as made:
        for venue in told(made)["venues"]:
            for account in venue["accounts"]:
                lines = "\n".join(account["settings"])
                assert account["made_up_secret"] in lines and venue["url"] in lines


def test_the_verb_serves_for_a_while_and_tells_how_it_ended() -> None:
    run = CliRunner().invoke(app, ["venue-sim", str(HEDGED), "--for", "1s", "--json"])
    assert run.exit_code == 0, run.output
    document = json.loads(run.stdout)
    assert document["ok"] and document["data"]["url"].startswith("http://127.0.0.1:")
    assert "hyperliquid hl-long: equity" in run.stderr


def test_a_guards_configuration_is_written_for_what_is_served_and_over_no_other_file(tmp_path: Path) -> None:
    path = tmp_path / "sim.toml"
    with prepared() as made:
        venues = told(made)["venues"]
        write_config(path, venues)
        write_config(path, venues)
    found = read_config(path)
    served = {one["account"]: (venue, one) for venue in venues for one in venue["accounts"]}
    assert found.live and found.accounts.keys() == served.keys()
    for name, login in found.accounts.items():
        venue, one = served[name]
        assert (login.venue, login.address, login.endpoint) == (venue["venue"], one["made_up_public"], venue["url"])
        secret = load_secret(login.key)
        assert secret is not None and secret.reveal() == one["made_up_secret"]
    path.write_text('mode = "live"\n')
    with pytest.raises(InputError, match="name another file"):
        write_config(path, venues)
