"""Perpbook: check, drill, backtest and guard a book of perpetual futures against the trader's own playbook."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`perpbook.backtest`, imported when it is first asked for."""
    if name == "backtest":
        from perpbook.runs.notebook import backtest

        return backtest
    raise AttributeError(f"module 'perpbook' has no attribute {name!r}")
