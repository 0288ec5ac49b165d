"""`python -m benchmarks.peers --json`: makes each peer's environment, runs it on the shared data, and Perpbook beside it."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.backtest_bars import example_bars, journey
from benchmarks.document import machine, median, seconds
from perpbook.engine.backtest import backtest

PEERS = {
    "vectorbt": ("vectorbt==1.2.0",),
    "backtesting": ("backtesting==0.6.5",),
    "nautilus": ("nautilus_trader==1.221.0",),
    "hftbacktest": ("hftbacktest==2.4.4", "numpy<2.3"),
}
HERE = Path(__file__).parent


def environment(home: Path, name: str) -> Path:
    """The peer's own Python, with the peer in it."""
    folder = home / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *PEERS[name]], check=True)
    return python


def run_peer(home: Path, data: Path, name: str) -> dict[str, Any]:
    """What a peer printed, or why it did not."""
    try:
        python = environment(home, name)
        said = subprocess.run(
            [str(python), str(HERE / f"{name}_run.py"), str(data)], capture_output=True, text=True, timeout=900, check=True
        )  # fmt: skip
    except subprocess.SubprocessError as error:
        told = getattr(error, "stderr", None) or str(error)
        return {"name": name, "failed": str(told).strip().splitlines()[-1]}
    found: dict[str, Any] = json.loads(said.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Everything, one after the other, as one document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--only", action="append", choices=list(PEERS), help="this peer; repeat it")
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "perpbook-peers")
    asked = parser.parse_args()
    bars = example_bars()
    data = asked.home / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name in ("open", "high", "low", "close", "open_ns"):
        np.save(data / f"{name}.npy", getattr(bars, name))
    run = journey(bars)
    ours = bars.close.size / median(seconds(lambda: backtest(run), repeat=3)) / 1e6
    peers = [run_peer(asked.home, data, name) for name in asked.only or PEERS]
    for one in peers:
        if "value" in one:
            one["ratio"] = ours / one["value"]
    document = {"name": "peers", "unit": "M bar-events/s", "value": ours, "peers": peers, "machine": machine()}
    if asked.json:
        print(json.dumps(document))
        return
    print(f"perpbook {ours:.1f} M bar-events/s")
    for one in peers:
        told = one.get("failed") or f"{one['value']:.4g} M/s; Perpbook {one['ratio']:.0f} times"
        print(f"{one['name']} {one.get('version', '')}: {told}")


if __name__ == "__main__":
    main()
