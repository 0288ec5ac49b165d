"""The page on strategies names every strategy and option, and its examples work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perpbook.history.targets import read_targets
from perpbook.strategies.catalogue import names, options_of
from perpbook.strategies.orders import Orders
from perpbook.strategies.own import load_callable
from perpbook.strategies.protocol import Window, view_at
from tests.unit.strategy_bars import BTC, HL_BTC, Past, bars_of

PAGE = (Path(__file__).parents[2] / "docs" / "strategies.md").read_text(encoding="utf-8")
SHOWN = {"None": "none", "True": "yes", "False": "no"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("name", names())
def test_every_option_is_on_the_page_with_its_default(name: str) -> None:
    section = re.split(r"\n##", PAGE.split(f"\n### {name}\n")[1])[0]
    for option, default in options_of(name).items():
        line = next((line for line in section.splitlines() if f"`{option}`" in line), None)
        assert line is not None, option
        shown = f"{default:g}" if isinstance(default, float) else SHOWN.get(str(default), str(default))
        cells = line.split("|")
        if len(cells) > 3 and cells[2].strip() and option not in ("fee", "weights", "vol_cap", "vol_bars", "rescale"):
            assert shown in cells[2].strip().split(", "), option


def test_the_files_on_the_page_are_read(tmp_path: Path) -> None:
    bars = bars_of({leg: Past(closes=[1.0] * 48) for leg in (BTC, HL_BTC)})
    long, wide = blocks("csv")
    for text, count in ((long, 1), (wide, 2)):
        path = tmp_path / "targets.csv"
        path.write_text(text, encoding="utf-8")
        assert read_targets(path, bars, (BTC, HL_BTC)).bar.tolist() == [7, 31][:count]


def test_the_function_on_the_page_runs(tmp_path: Path) -> None:
    path = tmp_path / "page.py"
    path.write_text(blocks("python")[0], encoding="utf-8")
    bars = bars_of({BTC: Past(closes=[*[100.0] * 250, 120.0])})
    orders = Orders(now_ns=0, legs=(BTC,), places=("main",))
    load_callable(f"{path}:momentum")(view_at(bars, 250, Window.of(bars, (BTC,)), {"main": 1.0}, {}), orders)
    assert orders.targets == {0: 0.5}
