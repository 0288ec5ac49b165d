"""Forecasts of funding are the same compiled and plain: what their kernels write, to what the last bit of an erf may do."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.parity.test_parity import run

CODE = """
import json
import numpy as np
from perpbook.kernels import jit
from perpbook.model.units import DAY_NS
from perpbook.funding.forecast import outlook
from tests.laws.funding_series import TERMS, autoregressive, clamped, settled
history = settled(clamped(autoregressive(300, 31, level=3e-4, noise=3e-4)))
found = outlook(history, horizon_ns=DAY_NS, now_ns=int(history.times_ns[-1]), terms=TERMS)
walk = found.walk
print(json.dumps({
    "mode": jit.mode(), "model": found.forecast.model, "told": [found.forecast.low, found.forecast.mean, found.forecast.high],
    "predicted": walk.predicted.tolist(), "crowded": walk.crowded.tolist(), "chosen": walk.chosen.tolist(),
}))
"""


@pytest.mark.slow
def test_a_forecast_is_the_same_compiled_and_plain() -> None:
    plain, compiled = (json.loads(run(["-c", CODE], {"PERPBOOK_KERNELS": mode})) for mode in ("plain", "compiled"))
    assert (plain["mode"], compiled["mode"]) == ("plain", "compiled")
    assert plain["model"] == compiled["model"] and plain["chosen"] == compiled["chosen"]
    for name in ("told", "predicted", "crowded"):
        assert np.allclose(plain[name], compiled[name], rtol=1e-9, atol=1e-12)
