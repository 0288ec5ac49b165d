"""Largest sizes asked of Python's own numbers are those of the kernel, to the bit."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from perpbook.examples.catalogue import EXAMPLES, PLAYBOOKS, book_file, playbook_file
from perpbook.kernels import jit
from perpbook.kernels.scale import largest_scales
from perpbook.margin.assess import Assessed
from perpbook.playbook.state import safe_scales
from perpbook.runs.check import run_check


@cache
def assessed_of(example: str, playbook: str) -> Assessed:
    return run_check(book_file(example), playbook_file(example, playbook)).assessed


@pytest.mark.parametrize("buffer", [0.0, 0.25, 1.0])
@pytest.mark.parametrize("playbook", PLAYBOOKS)
@pytest.mark.parametrize("example", list(EXAMPLES))
def test_safe_scales_are_those_of_the_kernel(
    example: str, playbook: str, buffer: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    assessed = assessed_of(example, playbook)
    prices = np.column_stack([assessed.grid.prices, assessed.arrays.prices])
    asked = np.empty(len(assessed.arrays.accounts))
    largest_scales(assessed.arrays.held, prices, buffer, asked)
    monkeypatch.setattr(jit, "mode", lambda: "plain")
    found = safe_scales(assessed, buffer)
    assert found.tobytes() == asked.tobytes()
    assert len(np.unique(found)) > 1 or found.size == 1
