"""hftbacktest: one asset's minutes as best bid, best ask and a trade each; every event is replayed through its book."""

import importlib.metadata

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    HashMapMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit
from share import load, median_seconds, tell

BARS = 300_000
close = np.round(np.array(load("close")[0, :BARS]), 2)
when = np.array(load("open_ns")[:BARS])
events = np.zeros(4 * BARS, dtype=event_dtype)
both = EXCH_EVENT | LOCAL_EVENT
before = np.concatenate([close[:1], close[:-1]])
for place, (kind, price, size) in enumerate(
    (
        (DEPTH_EVENT | BUY_EVENT, before - 0.01, 0.0),
        (DEPTH_EVENT | BUY_EVENT, close - 0.01, 10.0),
        (DEPTH_EVENT | SELL_EVENT, close + 0.01, 10.0),
        (TRADE_EVENT | BUY_EVENT, close, 1.0),
    )
):
    rows = events[place::4]
    rows["ev"], rows["px"], rows["qty"] = kind | both, price, size
    rows["exch_ts"] = rows["local_ts"] = when + 1000 * place


@njit
def replay(hbt):
    while hbt.elapse(60_000_000_000) == 0:
        pass
    return True


def run() -> None:
    asset = (
        BacktestAsset().data([events]).linear_asset(1.0).constant_order_latency(1_000_000, 1_000_000)
        .risk_adverse_queue_model().no_partial_fill_exchange().trading_value_fee_model(2e-4, 5e-4)
        .tick_size(0.01).lot_size(0.001).last_trades_capacity(0)
    )  # fmt: skip
    hbt = HashMapMarketDepthBacktest([asset])
    replay(hbt)
    hbt.close()


tell(
    "hftbacktest", importlib.metadata.version("hftbacktest"), events.size, median_seconds(run),
    lacks=["funding", "margin", "liquidation", "accounts", "rules"],
    note="book events, not bars: 300,000 minutes of one asset as 4 events each",
)  # fmt: skip
