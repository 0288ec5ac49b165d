"""A treasurer in backtests and drills, by its faces: what it moves, what holds it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.engine.drive import Driver, drive, window_of
from perpbook.engine.treasurer import STRATEGY
from perpbook.scenario.overlay import Absence
from perpbook.strategies.orders import Orders
from perpbook.strategies.protocol import View
from perpbook.treasury.courier import Fallen, Sky
from tests.laws.test_treasurer import BARS, FACTS, HOUR, RISE, pair, run, treasurer

PAGE = Path(__file__).parents[2] / "docs/treasury-time.md"
DESK = Path(__file__).parents[2] / "src/perpbook/examples/desk/book.toml"
BOOK = """
schema = "book/1"
as_of = "2024-01-01T00:00:00Z"
[[accounts]]
id = "short"
venue = "hyperliquid"
collateral = { USDC = 12000.0 }
[[accounts.positions]]
symbol = "BTC"
quantity = -4.0
entry_price = 60000.0
leverage = 20
[[layers]]
layer = "arbitrum"
asset = "USDC"
amount = 50000.0
"""


def away(where: str, name: str, kind: str, start: int, end: int) -> Absence:
    """Hours of the run."""
    return Absence(where=where, name=name, kind=kind, start_step=start * HOUR, end_step=end * HOUR, factor=1.0)


def test_an_account_near_its_limit_is_topped_up_and_lives() -> None:
    journey, holder = pair(RISE), treasurer(pair(RISE))
    outcome = run(journey, holder)
    bare = drive(journey, None)
    assert outcome.what[outcome.what[:, 1] == 2].size == 0 and bare.what[bare.what[:, 1] == 2].size > 0
    assert {one.destination for one in holder.sent if one.why == "top up"} == {"short"}


def test_a_halt_that_is_seen_sends_money_round_it_and_one_that_is_not_holds_it() -> None:
    first = treasurer(pair(RISE))
    run(pair(RISE), first)
    sent = next(one for one in first.sent if one.source == "arbitrum")
    seen = treasurer(pair(RISE), (away("layer", "arbitrum", "halt", sent.bar - 1, BARS),))
    run(pair(RISE), seen)
    assert all("arbitrum" not in one.way.layers for one in seen.sent if one.bar >= sent.bar)
    soon = Absence(
        where="layer", name="hyperliquid-l1", kind="halt", start_step=int(sent.left), end_step=int(sent.left) + 7_200, factor=1.0
    )  # fmt: skip
    held = treasurer(pair(RISE), (soon,))
    run(pair(RISE), held)
    late = held.sent[sent.number]
    assert (late.left, late.way.words) == (sent.left, sent.way.words)
    assert late.arrives >= soon.end_step and late.due >= sent.bar + 3


def test_nothing_starts_while_the_state_of_what_is_under_way_is_not_known() -> None:
    first = treasurer(pair(RISE))
    run(pair(RISE), first)
    sent = next(one for one in first.sent if one.destination == "short")
    begins = int(sent.left) + 1
    dark = (
        Absence(where="venue", name="hyperliquid", kind="withdrawals", start_step=begins, end_step=begins + 1, factor=1.0),
        Absence(where="layer", name="hyperliquid-l1", kind="rpc", start_step=begins, end_step=BARS * HOUR, factor=1.0),
    )  # fmt: skip
    blind = treasurer(pair(RISE), dark)
    run(pair(RISE), blind)
    assert max(one.bar for one in blind.sent) == sent.bar
    assert any(one.place == "short" and "cannot be seen" in one.why for one in blind.refused)


def test_a_coin_off_its_peg_is_not_changed_for_another() -> None:
    fallen = (Fallen(coin="USDC", start=0.0, end=float(BARS * HOUR)),)
    holder = treasurer(pair(RISE))
    holder.courier = type(holder.courier)(
        sky=Sky(facts=FACTS, fallen=fallen, horizon=BARS * HOUR), accounts=holder.courier.accounts,
        terms=holder.courier.terms, score=holder.courier.score,
    )  # fmt: skip
    run(pair(RISE), holder)
    assert holder.sent and all(one.asset == "USDT" for one in holder.sent if one.source == "long")


def test_a_strategys_transfer_goes_over_a_way_and_is_refused_where_there_is_none() -> None:
    journey = pair([3_000.0] * BARS)

    def sends(view: View, orders: Orders) -> None:
        orders.transfer(2_000.0, "arbitrum", "short")
        orders.transfer(9e9, "base", "short")

    holder = treasurer(journey)
    holder.policy = type(holder.policy)()
    driver = Driver(strategy=sends, asked=holder.asked[1:2], window=window_of(journey, (), 5))
    outcome = drive(journey, driver, purse=holder)
    (one,) = [one for one in holder.sent if one.why == STRATEGY]
    assert one.way.words and one.due == 3 and outcome.attribution()["arrived"] >= 2_000.0
    assert (outcome.what[:, 1] == 8).sum() == 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("treasury")
    (folder / "book.toml").write_text(BOOK)
    made = ["data", "generate", "--assets", "1", "--venues", "hyperliquid", "--days", "8", "--seed", "1"]
    assert CliRunner().invoke(app, [*made, "--lake", str(folder / "lake")]).exit_code == 0
    return folder


def backtest(place: Path, *words: str) -> tuple[int, str]:
    at = ["backtest", "run", str(place / "book.toml"), "--no-playbook", "--lake", str(place / "lake"), *words]
    found = CliRunner().invoke(app, at)
    return found.exit_code, " ".join(found.output.split())


def test_a_backtest_tells_what_its_treasurer_did(place: Path) -> None:
    page = place / "page.html"
    words = ["--treasury", "--alarm", "0.24", "--calm", "0.12", "--storm", "arbitrum-halt@2024-01-03T00:00"]
    code, told = backtest(place, *words, "--html", str(page))
    assert code == 0 and "The treasurer moved" in told and "without it" in told, told
    assert "The treasurer" in page.read_text() and "With the treasurer" in page.read_text()
    data = json.loads(backtest(place, *words, "--json")[1])["data"]
    found = data["treasury"]
    assert found["moves"] and found["moves"][0]["over"] and found["moves"][0]["arrival_bar"] > 0
    plain = json.loads(backtest(place, "--json")[1])["data"]
    assert plain["treasury"] is None and "treasury" not in plain["facts"]
    assert found["end_equity"]["without"] == pytest.approx(plain["measures"]["control"]["end"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--reserve", "arbitrum=1"], "--reserve is of a treasurer"),
        (["--treasury", "--reserve", "arbitrm=5"], 'did you mean "arbitrum"'),
        (["--treasury", "--reserve", "arbitrum=much"], "give dollars above 0"),
        (["--treasury", "--alarm", "1.5"], "a margin ratio between 0 and 1"),
        (["--treasury", "--alarm", "0.3", "--calm", "0.4"], "below the alarm's 0.3"),
        (["--storm", "arbitrum-halt"], "has no time of its own"),
        (["--storm", "arbitrum-2023-12-15"], "outside of the run"),
        (["--storm", "flash-crash@2024-01-02"], "does nothing to history"),
        (["--storm", "arbitrum-hlt@2024-01-02"], "did you mean"),
    ],
)
def test_nonsense_of_a_treasurer_is_named_with_the_next_step(place: Path, words: list[str], told: str) -> None:
    code, said = backtest(place, *words)
    assert code == 3 and told in said, said


def test_incidents_are_gone_through_with_and_without() -> None:
    words = ["treasury", "incidents", str(DESK), "--no-playbook", "--alarm", "0.3", "--calm", "0.12", "--step", "30m"]
    names = ["--storm", "arbitrum-2023-12-15", "--storm", "dydx-2025-10-10"]
    data = json.loads(CliRunner().invoke(app, [*words, *names, "--json"]).output)["data"]
    halt, dydx = (one["treasury"]["liquidated"] for one in data["incidents"])
    assert set(halt["without"]) == set(dydx["without"]) == {"hl-sol", "dydx-0"}
    assert "dydx-0" not in halt["with"] and "dydx-0" in dydx["with"]
    said = CliRunner().invoke(app, [*words, *names]).output
    assert "dydx-2025-10-10" in said and "dead without" in said


@pytest.mark.slow
def test_the_incidents_of_the_document_are_what_is_found() -> None:
    page = PAGE.read_text(encoding="utf-8")
    words = ["treasury", "incidents", str(DESK), "--no-playbook", "--alarm", "0.3", "--calm", "0.12", "--json"]
    found = {
        one["name"]: one["treasury"] for one in json.loads(CliRunner().invoke(app, words).output)["data"]["incidents"]
    }
    for told in found.values():
        assert f"| ${told['sent_dollars']:,.0f} in {len(told['moves'])} |" in page
        assert set(told["liquidated"]["without"]) == {"hl-sol", "dydx-0"}
    assert {name for name, told in found.items() if told["liquidated"]["with"]} == {"dydx-2025-10-10"}
    hourly = json.loads(CliRunner().invoke(app, [*words, "--step", "1h", "--storm", "arbitrum-2023-12-15"]).output)
    (told,) = (one["treasury"] for one in hourly["data"]["incidents"])
    assert "dydx-0" in told["liquidated"]["with"] and any(one["too_late"] for one in told["moves"])
