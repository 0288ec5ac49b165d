"""Routes are the same compiled and plain, to the bit."""

from __future__ import annotations

import json

import pytest

from tests.parity.test_parity import run

CODE = """
import json
from perpbook.execution.merge import route
from perpbook.kernels import jit
from tests.laws.test_route import drawn_books
found = []
for seed in range(40):
    books, side = drawn_books(seed, plain=seed % 2 == 0)
    one = route(books, side, 5.0 + seed)
    found.append([one.cost, [[leg.venue, leg.quantity] for leg in one.legs]])
print(json.dumps({"mode": jit.mode(), "found": found}))
"""


@pytest.mark.slow
def test_a_route_is_the_same_compiled_and_plain() -> None:
    plain, compiled = (json.loads(run(["-c", CODE], {"PERPBOOK_KERNELS": mode})) for mode in ("plain", "compiled"))
    assert (plain["mode"], compiled["mode"]) == ("plain", "compiled")
    assert plain["found"] == compiled["found"]
