"""`perpbook check` on twenty positions: the whole process, from the shell's call to the exit, caches warm:
compiled kernels, and Python's own compiled modules, which an environment may forbid to keep.

The baseline is a process that imports NumPy and works the same stress grid (tiers as a maximum of lines, in place) on a
book already in memory: no files, no rules, no plans. The floor is a Python process that does nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.document import median, paired, publish, seconds

POSITIONS = ("BTC", "ETH", "SOL", "XRP", "LINK")
PRICES = {"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 138.0, "XRP": 2.1, "LINK": 14.0}
VENUES = {"hyperliquid": "{}", "binance": "{}USDT", "dydx": "{}-USD", "binance-2": "{}USDT"}

BASELINE = """
import numpy as np
quantity = np.linspace(-3.0, 3.0, 20) * 1e4 / 90.0
rate = np.array([0.004, 0.005, 0.0065, 0.01, 0.02, 0.025, 0.05, 0.1])
floor = np.array([0, 5e4, 6e5, 3e6, 1.2e7, 7e7, 1e8, 2.3e8])
deduction = np.concatenate([[0.0], np.cumsum(floor[1:] * np.diff(rate))])
prices = 90.0 * (1.0 + np.linspace(-0.15, 0.15, 36))[None, :] * np.ones((20, 1))
notional = np.abs(quantity)[:, None] * prices
need = (rate[:, None, None] * notional - deduction[:, None, None]).max(axis=0)
equity = 4e5 + (quantity[:, None] * (prices - 90.0))
print((equity.sum(axis=0) - need.sum(axis=0)).min())
"""

PLAYBOOK = """
schema_version = 1
[leverage.account]
effective = 8
[leverage.book]
gross = 6
[survival]
kinds = ["joint", "asset", "beta", "broken"]
buffer = 0.25
"""


def book() -> str:
    """Twenty positions in four accounts on three venues, some rules of the playbook broken."""
    lines = ['schema = "book/1"', 'as_of = "2026-11-20T12:00:00Z"', "simulated = true"]
    for number, (name, symbol) in enumerate(VENUES.items()):
        venue = name.removesuffix("-2")
        coin = "USDT" if venue == "binance" else "USDC"
        lines += ["[[accounts]]", f'id = "{name}"', f'venue = "{venue}"', f"collateral = {{ {coin} = 60000.0 }}"]
        for k, asset in enumerate(POSITIONS):
            quantity = (-1) ** (number + k) * 60_000 * (1 + 0.3 * k) / PRICES[asset]
            lines += ["[[accounts.positions]]", f'symbol = "{symbol.format(asset)}"', f"quantity = {quantity:.4f}"]
            lines += [f"entry_price = {PRICES[asset] * 0.99}"]
    for venue in ("hyperliquid", "binance", "dydx"):
        for asset in POSITIONS:
            lines += ["[[markets]]", f'venue = "{venue}"', f'symbol = "{VENUES[venue].format(asset)}"']
            lines += [f"{'oracle' if venue == 'dydx' else 'mark'}_price = {PRICES[asset]}"]
    return "\n".join(lines) + "\n"


def run(command: list[str], allowed: tuple[int, ...] = (0,)) -> None:
    """Run a process to its end; its exit code must be one of `allowed`."""
    warm = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, capture_output=True, check=False, env=warm)
    assert done.returncode in allowed, done.stderr.decode()


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "book.toml"), Path(folder, "playbook.toml")
        files[0].write_text(book(), encoding="utf-8")
        files[1].write_text(PLAYBOOK, encoding="utf-8")
        check = [sys.executable, "-m", "perpbook", "check", str(files[0]), str(files[1])]
        ours, theirs = paired(lambda: run(check, (0, 10)), lambda: run([sys.executable, "-c", BASELINE]), repeat=9)
    floor = seconds(lambda: run([sys.executable, "-c", "pass"]))
    publish(
        {
            "name": "check_latency",
            "unit": "s",
            "value": median(ours),
            "baseline": {"name": "NumPy, the stress grid alone", "value": median(theirs)},
            "floor": {"name": "a Python process that does nothing", "value": median(floor)},
            "ratio": median(theirs) / median(ours),
        },
        ("numpy", "numba", "perpbook"),
    )


if __name__ == "__main__":
    main()
