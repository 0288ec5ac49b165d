"""What compiles for minutes goes first, in one worker: two that begin together would both compile the same."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tick, then what else is compiled, then everything else in its order."""
    items.sort(
        key=lambda item: 0 if item.path.name == "test_tick.py" else 1 if item.path.parent.name == "parity" else 2
    )
