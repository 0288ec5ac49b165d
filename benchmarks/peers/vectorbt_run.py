"""vectorbt: ten assets in one portfolio with shared cash, weekly target shares, fees."""

import numpy as np
import pandas as pd
import vectorbt as vbt
from share import load, median_seconds, tell

close = pd.DataFrame(np.array(load("close")).T)
size = np.full(close.shape, np.nan)
size[:: 7 * 1440] = np.where(np.arange(10) < 5, 0.15, -0.15)


def run() -> float:
    portfolio = vbt.Portfolio.from_orders(
        close, size, size_type="targetpercent", direction="both", fees=5e-4, group_by=True, cash_sharing=True,
        init_cash=1e6, call_seq="auto", freq="1min",
    )  # fmt: skip
    return float(portfolio.value().iloc[-1])


tell(
    "vectorbt", vbt.__version__, close.size, median_seconds(run),
    lacks=["funding", "margin tiers", "liquidation", "several accounts", "rules", "bars' extremes"],
)  # fmt: skip
