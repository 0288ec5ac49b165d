"""Perpbook: check, drill, backtest and guard a book of perpetual futures against the trader's own playbook."""

__version__ = "0.1.0"
