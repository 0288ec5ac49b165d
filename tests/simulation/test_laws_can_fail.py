"""A guard that breaks a promise is noticed: each mutant breaks the law that guards what it broke."""

from __future__ import annotations

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.play import play


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_guard_is_noticed(mutant: Mutant) -> None:
    with mutant.loose():
        laws = (play(seed).law for seed in (mutant.first, *range(mutant.seeds)))
        assert any(law in mutant.laws for law in laws), f"{mutant.name} broke none of {mutant.laws}"
