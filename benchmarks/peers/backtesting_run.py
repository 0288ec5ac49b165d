"""backtesting.py: one asset at a time, ten days of its minutes, an order a day."""

import importlib.metadata
import warnings

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy
from share import load, median_seconds, tell

warnings.filterwarnings("ignore")
BARS = 14_400
frame = pd.DataFrame(
    {name.capitalize(): np.array(load(name)[0, :BARS]) for name in ("open", "high", "low", "close")},
    index=pd.to_datetime(np.array(load("open_ns")[:BARS])),
)


class Hold(Strategy):
    def init(self) -> None:
        self.bar = 0

    def next(self) -> None:
        if self.bar % 1440 == 0:
            self.position.close()
            self.buy(size=0.15)
        self.bar += 1


def run() -> object:
    return Backtest(frame, Hold, cash=1e6, commission=5e-4, margin=0.2, finalize_trades=True).run()


tell(
    "backtesting", importlib.metadata.version("backtesting"), BARS, median_seconds(run),
    lacks=["funding", "margin tiers", "several assets", "several accounts", "rules"], note="one asset, 14,400 bars",
)  # fmt: skip
