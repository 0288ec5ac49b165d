"""Pulling with the real client against a server on this machine that answers as Binance does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from typer.testing import CliRunner

from perpbook.cli.main import app
from perpbook.errors import InputError, MissingData, VenueError
from perpbook.history.lake import Lake
from perpbook.model.units import HOUR_NS
from perpbook.runs.pull import Order, Pulled, run_pull
from tests.unit.history_lakes import MS, START

pytest.importorskip("ccxt", reason="pulling needs the extra `live` (ccxt), which is not installed here")

HOUR_MS = HOUR_NS // MS
START_MS = START // MS
HOURS = 1_300


@dataclass
class Venue:
    """What the pretended venue has, what it was asked, and the requests that it fails."""

    url: str = ""
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    failing: int = 0
    holds: int = HOURS

    def answer(self, path: str, words: dict[str, Any]) -> Any:
        if path.endswith("exchangeInfo"):
            return {"symbols": [PERPETUAL], "rateLimits": [], "assets": [], "exchangeFilters": []}
        if path.endswith(("/klines", "/markPriceKlines")):
            return self.bars(int(words["startTime"]), int(words["limit"]), 1.0 if path.endswith("/klines") else 1.001)
        if path.endswith("fundingRate"):
            first = -(-(int(words["startTime"]) - START_MS) // (8 * HOUR_MS))
            times = [START_MS + number * 8 * HOUR_MS for number in range(max(0, first), self.holds // 8)]
            return [
                {"symbol": "BTCUSDT", "fundingTime": time, "fundingRate": "0.00010000", "markPrice": "42000"}
                for time in times[: int(words["limit"])]
            ]
        raise KeyError(path)

    def bars(self, since: int, limit: int, scale: float) -> list[list[Any]]:
        first = max(0, -(-(since - START_MS) // HOUR_MS))
        out = []
        for hour in range(first, min(first + limit, self.holds)):
            at, price = START_MS + hour * HOUR_MS, (40_000 + hour) * scale
            prices = (price, price * 1.01, price * 0.99, price + 1)
            out.append(
                [at, *(f"{one:.2f}" for one in prices), "12.5", at + HOUR_MS - 1, "500000", 10, "6", "250000", "0"]
            )
        return out


PERPETUAL = {
    "symbol": "BTCUSDT", "pair": "BTCUSDT", "contractType": "PERPETUAL", "deliveryDate": 4133404800000,
    "onboardDate": 1569398400000, "status": "TRADING", "maintMarginPercent": "2.5000", "requiredMarginPercent": "5.0000",
    "baseAsset": "BTC", "quoteAsset": "USDT", "marginAsset": "USDT", "pricePrecision": 2, "quantityPrecision": 3,
    "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN", "underlyingSubType": ["PoW"],
    "orderTypes": ["LIMIT", "MARKET"], "timeInForce": ["GTC", "IOC"],
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "556.80", "maxPrice": "4529764", "tickSize": "0.10"},
        {"filterType": "LOT_SIZE", "minQty": "0.001", "maxQty": "1000", "stepSize": "0.001"},
        {"filterType": "MIN_NOTIONAL", "notional": "100"},
    ],
}  # fmt: skip


@pytest.fixture
def venue() -> Iterator[Venue]:
    state = Venue()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlparse(self.path)
            words = {name: values[0] for name, values in parse_qs(parts.query).items()}
            state.asked.append((parts.path, words))
            if state.failing and not parts.path.endswith("exchangeInfo"):
                state.failing -= 1
                self.send(503, {"msg": "down"})
                return
            self.send(200, state.answer(parts.path, words))

        def send(self, code: int, body: Any) -> None:
            raw = json.dumps(body).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


def order(*kinds: str, since: int | None = START, hours: int = HOURS, symbol: str = "BTC") -> Order:
    return Order(
        venue="binance",
        symbols=(symbol,),
        kinds=kinds,
        bar_ns=HOUR_NS,
        since_ns=since,
        until_ns=START + hours * HOUR_NS,
    )


def pull(venue: Venue, folder: Path, what: Order) -> tuple[Pulled, ...]:
    return run_pull(folder, what, endpoint=venue.url, now_ns=what.until_ns, tell=lambda *step: None)


def test_every_page_of_every_kind_arrives(venue: Venue, tmp_path: Path) -> None:
    done = pull(venue, tmp_path, order("candles", "mark", "funding"))
    assert [(one.kind, one.rows) for one in done] == [("candles", HOURS), ("mark", HOURS), ("funding", HOURS // 8)]
    assert all(one.requests >= 2 for one in done[:2])
    lake = Lake(tmp_path)
    candles = lake.read(lake.held("candles")[0])
    assert candles["ts"].to_list() == [START_MS + hour * HOUR_MS for hour in range(HOURS)]
    assert candles["close"][7] == 40_008.0 and candles["volume"][0] == 12.5
    assert lake.read(lake.held("funding")[0])["interval_hours"].unique().to_list() == [8.0]
    assert all("fapi.binance.com" in path for path, _ in venue.asked)


def test_a_bar_that_is_not_finished_is_left_out(venue: Venue, tmp_path: Path) -> None:
    what = order("candles", hours=10)
    run_pull(tmp_path, what, endpoint=venue.url, now_ns=START + 9 * HOUR_NS + 1, tell=lambda *step: None)
    assert Lake(tmp_path).held()[0].rows == 9


def test_pulling_again_asks_only_for_what_is_new(venue: Venue, tmp_path: Path) -> None:
    pull(venue, tmp_path, order("candles", "funding", hours=80))
    venue.asked.clear()
    candles, funding = pull(venue, tmp_path, order("candles", "funding", since=None, hours=100))
    assert (candles.added, candles.rows, funding.rows) == (20, 100, 13)
    asked = [int(words["startTime"]) for _, words in venue.asked if "startTime" in words]
    assert min(asked) == START_MS + 72 * HOUR_MS + 1
    assert pull(venue, tmp_path, order("candles", hours=100))[0].added == 0


def test_what_came_before_a_failure_is_kept(venue: Venue, tmp_path: Path) -> None:
    seen: list[str] = []

    def tell(name: str, number: int, total: int) -> None:
        seen.append(name)
        if len(seen) == 2:
            venue.failing = 50

    with pytest.raises(VenueError, match="goes on where it stopped"):
        run_pull(tmp_path, order("candles"), endpoint=venue.url, now_ns=order().until_ns, tell=tell)
    kept = Lake(tmp_path).held()[0].rows
    assert 0 < kept < HOURS
    venue.failing = 0
    assert pull(venue, tmp_path, order("candles", since=None))[0].rows == HOURS


def test_a_stumble_is_tried_again(venue: Venue, tmp_path: Path) -> None:
    venue.failing = 1
    assert pull(venue, tmp_path, order("candles", hours=50))[0].rows == 50


def test_what_cannot_be_pulled_is_said(venue: Venue, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="lists no perpetual of XYZ"):
        pull(venue, tmp_path, order("candles", symbol="XYZ"))
    with pytest.raises(InputError, match="say from when"):
        pull(venue, tmp_path, order("candles", since=None))
    with pytest.raises(InputError, match="cannot pull trades"):
        pull(venue, tmp_path, order("trades"))
    venue.holds = 0
    with pytest.raises(MissingData, match="the venue has none from 2024-01-01"):
        pull(venue, tmp_path, order("candles", hours=5))
    done = CliRunner().invoke(app, ["data", "pull", "gmx", "BTC", "--since", "2024-01-01", "--lake", str(tmp_path)])
    assert done.exit_code == 3 and "no client" in done.stderr


def test_the_verb_pulls(venue: Venue, tmp_path: Path) -> None:
    words = [
        "data",
        "pull",
        "binance",
        "BTC-USDT",
        "--since",
        "2024-01-01",
        "--until",
        "2024-01-03",
        "--endpoint",
        venue.url,
    ]
    done = CliRunner().invoke(app, [*words, "--lake", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.stdout
    document = json.loads(done.stdout)
    assert [one["rows"] for one in document["data"]["series"]] == [48, 6]
