"""Writing a backtest's page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.engine.result import BacktestResult


def write_page(result: BacktestResult, path: Path) -> None:
    """Write it; InputError when the file cannot be written."""
    from perpbook.report.run_page import write_backtest_page

    try:
        write_backtest_page(path, result)
    except OSError as error:
        raise InputError(f"{path}: the page cannot be written: {error}; name another file") from error
