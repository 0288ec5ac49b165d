"""nautilus_trader: one perpetual, bars of a minute on its simulated venue, an order a day."""

from decimal import Decimal

import nautilus_trader
import numpy as np
import pandas as pd
from nautilus_trader.backtest.config import BacktestEngineConfig
from nautilus_trader.backtest.engine import BacktestEngine
from nautilus_trader.config import LoggingConfig
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.data import BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import Venue
from nautilus_trader.model.objects import Money
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.test_kit.providers import TestInstrumentProvider
from nautilus_trader.trading.strategy import Strategy
from share import load, median_seconds, tell

BARS = 100_000
instrument = TestInstrumentProvider.btcusdt_perp_binance()
kind = BarType.from_str(f"{instrument.id}-1-MINUTE-LAST-EXTERNAL")
frame = pd.DataFrame(
    {name: np.round(100.0 * np.array(load(name)[0, :BARS]), 1) for name in ("open", "high", "low", "close")}
    | {"volume": np.full(BARS, 1000.0)},
    index=pd.to_datetime(np.array(load("open_ns")[:BARS]), utc=True),
)
bars = BarDataWrangler(kind, instrument).process(frame)


class Hold(Strategy):
    def on_start(self) -> None:
        self.seen = 0
        self.subscribe_bars(kind)

    def on_bar(self, bar: object) -> None:
        if self.seen % 1440 == 0:
            side = OrderSide.BUY if self.seen % 2880 == 0 else OrderSide.SELL
            self.submit_order(self.order_factory.market(instrument.id, side, instrument.make_qty(Decimal("1.0"))))
        self.seen += 1


def run() -> None:
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True)))
    engine.add_venue(
        Venue("BINANCE"), OmsType.NETTING, AccountType.MARGIN, [Money(1_000_000, USDT)], base_currency=None
    )
    engine.add_instrument(instrument)
    engine.add_data(bars)
    engine.add_strategy(Hold())
    engine.run()
    engine.dispose()


tell(
    "nautilus_trader", nautilus_trader.__version__, BARS, median_seconds(run),
    lacks=["funding", "margin tiers", "liquidation", "rules"], note="one asset, 100,000 bars",
)  # fmt: skip
