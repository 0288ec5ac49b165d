"""Strategies in Python: what they see, what they may ask for, and how they are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perpbook.errors import InputError, StrategyError
from perpbook.strategies.orders import Moved, Orders, Wanted
from perpbook.strategies.own import BlameStrategy, load_callable
from perpbook.strategies.protocol import View, Window, view_at
from tests.unit.strategy_bars import BTC, ETH, HL_BTC, START, Past, bars_of

HOUR = 3_600 * 10**9
FUNDING = [(1.0, 1e-4, 1.0), (2.0, 2e-4, 1.0), (3.0, 3e-4, 1.0), (4.0, 4e-4, 1.0)]
BARS = bars_of({ETH: Past(closes=[1, 2, 3, 4]), BTC: Past(closes=[10, 11, 12, 13], stale=[2], funding=FUNDING)})


def view(bar: int, window: int = 500) -> View:
    return view_at(BARS, bar, Window.of(BARS, (BTC,), window), {"main": 70.0, "hedge": 30.0}, {BTC.name: 0.5})


def orders() -> Orders:
    return Orders(now_ns=START + HOUR, legs=(BTC, HL_BTC), places=("main", "hedge"))


def test_a_view_ends_at_its_close() -> None:
    seen = view(2, window=2)
    assert seen.now_ns == START + 3 * HOUR
    assert seen.prices(BTC).tolist() == [11, 12] and seen.price("main:BTCUSDT") == 12
    assert seen.closes.shape == (2, 2) and seen.is_stale(BTC)
    assert seen.settled(BTC).rates.tolist() == [1e-4, 2e-4, 3e-4]
    assert (seen.position(BTC), seen.book_equity) == (0.5, 100.0)
    assert view(0).closes.shape == (2, 1)


def test_a_view_has_nothing_behind_it_and_cannot_be_written() -> None:
    seen = view(1)
    for array in (seen.closes, seen.stale, seen.settled(BTC).rates):
        assert array.base is None
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    with pytest.raises(StrategyError, match=r'at 2024-01-01T02:00:00Z .* "main:BTCUSD": did you mean "main:BTCUSDT"'):
        seen.price("main:BTCUSD")
    with pytest.raises(InputError, match="has no bars"):
        Window.of(BARS, (HL_BTC,))


def test_orders_are_collected() -> None:
    asked = orders()
    asked.target(BTC, np.float64(0.5))
    asked.trade("hedge:BTC", -1)
    asked.trade("hedge:BTC", 0)
    asked.limit(BTC, 2, 9.5)
    asked.transfer(10, "main", "hedge")
    assert asked.targets == {0: 0.5}
    assert asked.trades == [Wanted(leg=1, quantity=-1.0)]
    assert asked.limits == [Wanted(leg=0, quantity=2.0, limit_price=9.5)]
    assert asked.transfers == [Moved(amount=10.0, source="main", destination="hedge")]


def test_nonsense_is_refused_with_its_time() -> None:
    asked = orders()
    nonsense: list[tuple[str, Callable[[], None]]] = [
        ("exposure of main:BTCUSDT is nan", lambda: asked.target(BTC, float("nan"))),
        ("quantity of main:BTCUSDT is inf", lambda: asked.trade(BTC, float("inf"))),
        ("is '1': it must be a number", lambda: asked.trade(BTC, "1")),  # type: ignore[arg-type]
        ("is True: it must be a number", lambda: asked.target(BTC, True)),
        ("is array", lambda: asked.target(BTC, np.array([1.0]))),  # type: ignore[arg-type]
        ("must be above 0", lambda: asked.limit(BTC, 1, 0)),
        ("price of main:BTCUSDT is nan", lambda: asked.limit(BTC, 1, float("nan"))),
        ('did you mean "hedge"', lambda: asked.transfer(1, "main", "hegde")),
        ("to itself", lambda: asked.transfer(1, "main", "main")),
        ("send more than 0", lambda: asked.transfer(-1, "main", "hedge")),
        ('"main:ETHUSDT"', lambda: asked.target(ETH, 1)),
        ('"7"', lambda: asked.target(7, 1)),  # type: ignore[arg-type]
    ]
    for said, ask in nonsense:
        with pytest.raises(StrategyError) as caught:
            ask()
        assert said in str(caught.value) and "at 2024-01-01T01:00:00Z" in str(caught.value)
    assert not (asked.targets or asked.trades or asked.limits or asked.transfers)


def test_a_leg_goes_one_way_at_a_time() -> None:
    asked = orders()
    asked.target(BTC, 1)
    with pytest.raises(StrategyError, match="twice"):
        asked.target(BTC, 2)
    with pytest.raises(StrategyError, match="a target and a trade"):
        asked.trade(BTC, 2)
    asked.trade(HL_BTC, 2)
    with pytest.raises(StrategyError, match="a target and a trade"):
        asked.target(HL_BTC, 2)


GOOD = """
from dataclasses import dataclass

@dataclass
class Kept:
    weight: float = 0.5

KEPT = Kept()

def rule(view, orders):
    orders.target("main:BTCUSDT", KEPT.weight)

def odd(view):
    pass

number = 3
"""


def test_a_function_is_found_in_a_file_and_in_a_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    (tmp_path / "my_rule_for_tests.py").write_text(GOOD)
    monkeypatch.chdir(tmp_path)
    for name in (f"{tmp_path}/my_rule_for_tests.py:rule", "my_rule_for_tests.py:rule", "my_rule_for_tests:rule"):
        asked = orders()
        load_callable(name)(view(0), asked)
        assert asked.targets == {0: 0.5}


def test_what_cannot_be_loaded_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [*__import__("sys").path])
    monkeypatch.chdir(tmp_path)
    for name, text in [
        ("good", GOOD),
        ("syntax", "def rule(:\n"),
        ("raises", "x = 1\nx / 0\n"),
        ("leaves", "import sys\nsys.exit(3)\n"),
        ("needs", "import no_such_module_at_all\n"),
    ]:
        (tmp_path / f"{name}.py").write_text(text)
    for name, said in [
        ("good.py", "names no function"),
        (":rule", "names no function"),
        ("good.py:rul", 'did you mean "rule"?'),
        ("good.py:number", "is not a function"),
        ("good.py:Kept", "is not a function"),
        ("good.py:odd", "must take two arguments"),
        ("gone.py:rule", "no such file"),
        (f"{tmp_path}/:rule", "is a folder"),
        ("syntax.py:rule", "(line 1)"),
        ("raises.py:rule", "ZeroDivisionError: division by zero (raises.py, line 2)"),
        ("leaves.py:rule", "SystemExit: 3 (leaves.py, line 2)"),
        ("needs.py:rule", "no_such_module_at_all"),
        ("no_such_module_at_all:rule", "no module"),
        ("no_such.deeper:rule", "no module"),
    ]:
        with pytest.raises(StrategyError) as caught:
            load_callable(name)
        assert said in str(caught.value), name


def test_what_a_strategy_raises_is_told_with_its_time_and_line() -> None:
    told = r"at noon: KeyError: 'BTC' \(test_strategies_python.py, line \d+\)"
    with pytest.raises(StrategyError, match=told), BlameStrategy("at noon"):
        raise KeyError("BTC")
    with pytest.raises(StrategyError, match="its own words"), BlameStrategy("at noon"):
        raise StrategyError("its own words")
    with pytest.raises(KeyboardInterrupt), BlameStrategy("at noon"):
        raise KeyboardInterrupt
