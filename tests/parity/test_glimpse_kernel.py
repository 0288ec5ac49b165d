"""A glimpse is the same compiled and plain."""

from __future__ import annotations

import json

import pytest

from tests.parity.test_parity import run

CODE = """
import json
import numpy as np
from perpbook.kernels import jit
from perpbook.kernels.glimpse import glimpse
from tests.laws.test_glimpse import LIMITS, NOW_MS, WRITTEN, decoder
from perpbook.model.units import HOUR_NS
from perpbook.venues.glimpses import beginning
rng, found = np.random.default_rng(7), []
for (venue, channel, symbol), write in WRITTEN.items():
    of = decoder(venue, symbol)
    good = write(channel, [["999.5", "1"], ["998", "1.25"]], [["1001", "1"], ["1002.0", "2"]], NOW_MS)
    form = beginning(good) + of.form(of.sort(good))
    for _ in range(1_500):
        raw = bytearray(good)
        for _ in range(rng.integers(0, 3)):
            raw[rng.integers(len(raw))] = rng.choice(list(b'0123456789.,"[]{}'))
        calm = np.array([[3, 0, 0, 0], [3, 2 * HOUR_NS, HOUR_NS - 10**9, 0]])
        found.append([bool(glimpse(bytes(raw), form, LIMITS, HOUR_NS, calm, 1)), *calm[1].tolist()])
print(json.dumps({"mode": jit.mode(), "found": found}))
"""


@pytest.mark.slow
def test_a_glimpse_is_the_same_compiled_and_plain() -> None:
    plain, compiled = (json.loads(run(["-c", CODE], {"PERPBOOK_KERNELS": mode})) for mode in ("plain", "compiled"))
    assert (plain["mode"], compiled["mode"]) == ("plain", "compiled")
    assert plain["found"] == compiled["found"]
    assert {one[0] for one in plain["found"]} == {True, False}
