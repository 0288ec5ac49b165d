"""The page on the simulated exchange shows what it does."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

from perpbook.simulation.faults import FaultKind
from perpbook.simulation.order_rules import BINANCE, DYDX, HYPERLIQUID, PLAIN, Oversize

PAGE = (Path(__file__).parents[2] / "docs" / "guard-exchange.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_says() -> None:
    example, printed = (
        re.search(r"```python\n(.*?)```", PAGE, re.DOTALL),
        re.search(r"```text\n(.*?)```", PAGE, re.DOTALL),
    )
    assert example and printed
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(example[1], "docs/guard-exchange.md", "exec"), {})
    assert out.getvalue() == printed[1]


def test_every_fault_is_explained() -> None:
    assert [kind.value for kind in FaultKind if f"`{kind.value}`" not in PAGE] == []


def test_the_table_of_the_gate_is_the_gates() -> None:
    assert (HYPERLIQUID.least_notional, BINANCE.least_notional, DYDX.least_notional, PLAIN.least_notional) == (
        10,
        5,
        0,
        0,
    )
    assert (HYPERLIQUID.band, BINANCE.band, DYDX.band, PLAIN.band) == (0.8, 0.15, None, 0.5)
    assert [one.oversize for one in (HYPERLIQUID, BINANCE, DYDX)] == [Oversize.REJECT, Oversize.SHRINK, Oversize.SHRINK]
    assert not DYDX.reduce_only_rests and DYDX.dead_man is None and HYPERLIQUID.figures == 5
