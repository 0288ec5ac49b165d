"""`halt flatten BOOK` on live venues as they are served: through faults, past one that is away, and past an empty account."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from perpbook.cli.main import app
from perpbook.journal.database import open_journal
from perpbook.model.record import RecordKind
from perpbook.simulation.faults import Faults
from tests.dialects.served import SYMBOLS, Served, served

AWAY = "http://127.0.0.1:9/nobody"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PERPBOOK_HOME", str(tmp_path / "home"))
    return tmp_path


def flattened(
    one: Served, folder: Path, places: dict[str, str], seconds: float, strangers: Mapping[str, str] = {}
) -> Result:
    """Close the accounts of `served`. places : endpoints by venue.  strangers : addresses that are nobody's, by venue."""
    book, config = ['schema = "book/1"', 'as_of = "2026-11-20T12:00:00Z"', "simulated = true"], ['mode = "live"']
    for venue, endpoint in places.items():
        (folder / f"{venue}.key").write_text(one.keys[venue].secret)
        (folder / f"{venue}.key").chmod(0o600)
        book += ["[[accounts]]", f'id = "{venue}-main"', f'venue = "{venue}"', "collateral = { USDC = 30000.0 }"]
        for symbol, quantity, price in zip(SYMBOLS[venue], (1.0, -5.0), (60_000.0, 3_000.0), strict=True):
            book += [
                "[[accounts.positions]]",
                f'symbol = "{symbol}"',
                f"quantity = {quantity}",
                f"entry_price = {price}",
            ]
            book += ["[[markets]]", f'venue = "{venue}"', f'symbol = "{symbol}"', f"mark_price = {price}"]
        address = strangers.get(venue, one.keys[venue].public)
        config += [f"[accounts.{venue}-main]", f'venue = "{venue}"', f'address = "{address}"']
        config += [f'key = "file:{folder / venue}.key"', f'endpoint = "{endpoint}"']
    (folder / "book.toml").write_text("\n".join(book))
    (folder / "guard.toml").write_text("\n".join(config))
    words = ["halt", "flatten", str(folder / "book.toml"), "--config", str(folder / "guard.toml"), "--json"]
    return CliRunner().invoke(app, [*words, "--for", f"{seconds:g}s"])


def held(one: Served, venue: str) -> dict[str, float]:
    """What the served venue itself says."""
    found = one.venues[venue].truth.account(f"{venue}-main")
    return {position.symbol: position.quantity for position in found.positions if position.quantity}


@pytest.mark.slow
def test_a_venue_that_is_away_keeps_no_other_from_being_closed(home: Path) -> None:
    with served("hyperliquid", "dydx") as one:
        done = flattened(one, home, {"dydx": AWAY, "hyperliquid": one.at("hyperliquid")}, 8.0)
        assert held(one, "hyperliquid") == {} and held(one, "dydx") == {"BTC-USD": 1.0, "ETH-USD": -5.0}
    assert done.exit_code == 10 and json.loads(done.stdout)["data"]["flat"] is False


def test_an_account_that_shows_nothing_is_told_and_the_rest_is_closed(home: Path) -> None:
    with served("hyperliquid", "dydx") as one:
        places = {"dydx": one.at("dydx"), "hyperliquid": one.at("hyperliquid")}
        done = flattened(one, home, places, 20.0, strangers={"hyperliquid": "0x" + "12" * 20})
        assert held(one, "dydx") == {} and held(one, "hyperliquid") == {"BTC": 1.0, "ETH": -5.0}
    assert (done.exit_code, json.loads(done.stdout)["data"]["empty"]) == (10, ["hyperliquid-main"])


def test_a_playbook_with_problems_keeps_nobody_from_being_flat(home: Path) -> None:
    (home / "playbook.toml").write_text("survival = 7\n")
    with served("hyperliquid") as one:
        done = flattened(one, home, {"hyperliquid": one.at("hyperliquid")}, 60.0)
        assert held(one, "hyperliquid") == {}
    assert done.exit_code == 0 and "closed without it" in done.stderr


@pytest.mark.slow
def test_requests_that_fail_are_gone_through_and_nothing_is_sent_that_opens(home: Path) -> None:
    with served("hyperliquid", faults=Faults(error=0.2, duplicate=0.5)) as one:
        done = flattened(one, home, {"hyperliquid": one.at("hyperliquid")}, 60.0)
        assert held(one, "hyperliquid") == {}
    with closing(open_journal(home / "home" / "journal.db")) as journal:
        sent = [record.body["request"] for _, record in journal.read() if record.kind is RecordKind.INTENDED]
    assert sent and all(request["reduce_only"] for request in sent)  # type: ignore[index]
    assert done.exit_code == 0
