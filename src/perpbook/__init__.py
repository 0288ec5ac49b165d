"""Perpbook: check, drill, backtest and guard a book of perpetual futures against the trader's own playbook."""

from perpbook.runs.notebook import backtest

__version__ = "0.1.0"
__all__ = ["backtest"]
