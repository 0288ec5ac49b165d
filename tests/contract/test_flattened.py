"""A live book at Bybit and OKX, judged by `guard run`, closed by `halt flatten`: prices through ccxt.pro, accounts asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from tests.dialects.okx_face import PASSPHRASE
from tests.dialects.served import SYMBOLS, Served, served

pytestmark = pytest.mark.slow
RUNNER = CliRunner()


def book(venue: str) -> str:
    btc, eth = SYMBOLS[venue]
    return f"""
schema = "book/1"
as_of = "2026-11-20T12:00:00Z"
simulated = true

[[accounts]]
id = "{venue}-main"
venue = "{venue}"
collateral = {{ USDT = 30000.0 }}
positions = [
    {{ symbol = "{btc}", quantity = 1.0, entry_price = 60000.0 }},
    {{ symbol = "{eth}", quantity = -5.0, entry_price = 3000.0 }},
]

[[markets]]
venue = "{venue}"
symbol = "{btc}"
mark_price = 60000.0

[[markets]]
venue = "{venue}"
symbol = "{eth}"
mark_price = 3000.0
"""


def configuration(venue: str, one: Served) -> str:
    passphrase = 'passphrase = "env:PERPBOOK_A_WORD"' if venue == "okx" else ""
    return f"""
mode = "live"
poll_seconds = 0.2

[accounts.{venue}-main]
venue = "{venue}"
address = "{one.keys[venue].public}"
key = "env:PERPBOOK_A_KEY"
endpoint = "{one.at(venue)}"
{passphrase}
"""


PLAYBOOK = """
schema_version = 1
name = "every account survives a fall to a fifth"

[survival]
moves = [0.8]
kinds = ["joint"]

[automation]
default = "propose"
"""


def written(venue: str, one: Served, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A book, a playbook and a configuration; the words that name book and configuration."""
    monkeypatch.setenv("PERPBOOK_HOME", str(folder))
    monkeypatch.setenv("PERPBOOK_A_WORD", PASSPHRASE)
    monkeypatch.setenv("PERPBOOK_A_KEY", one.keys[venue].secret)
    (folder / "book.toml").write_text(book(venue))
    (folder / "playbook.toml").write_text(PLAYBOOK)
    (folder / "guard.toml").write_text(configuration(venue, one))
    return [str(folder / "book.toml"), "--config", str(folder / "guard.toml")]


def test_a_live_book_is_judged_and_a_trim_is_proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venue = "okx"
    with served(venue) as one:
        words = written(venue, one, tmp_path, monkeypatch)
        done = RUNNER.invoke(
            app, ["guard", "run", words[0], str(tmp_path / "playbook.toml"), *words[1:], "--for", "4s"]
        )
    assert done.exit_code == 0, done.stderr
    found = json.loads(RUNNER.invoke(app, ["approvals", "list", "--json"]).stdout)["data"]
    assert SYMBOLS[venue][0] in {leg["symbol"] for each in found for leg in each["legs"]}, found
    assert one.venues[venue].truth.account(f"{venue}-main").positions[0].quantity == 1.0


@pytest.mark.parametrize("venue", ["bybit", "okx"])
def test_a_live_book_is_flat_at_the_venue_itself(venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(venue) as one:
        words = written(venue, one, tmp_path, monkeypatch)
        done = RUNNER.invoke(app, ["halt", "flatten", *words, "--for", "60s", "--json"])
        left = one.venues[venue].truth.account(f"{venue}-main").positions
        traded = one.venues[venue].trades[f"{venue}-main"]
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["data"]["flat"] and not [held for held in left if held.quantity]
    assert sum(trade.fill.quantity for trade in traded if trade.fill.symbol == SYMBOLS[venue][0]) == pytest.approx(-1.0)
    assert one.keys[venue].secret not in done.stdout + done.stderr
