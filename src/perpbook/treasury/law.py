"""The law of how long something takes, put through the points that are known of it.

The time less its least is taken to be lognormal: T = least + exp(a + b z), z standard normal, through the median (z = 0) and the
99 % point. Where a 90 % point is known too, the line a + b z bends there; below the median it goes on as it is just above, and
beyond the last point as before it. So every figure of the facts is met exactly.
"""

from __future__ import annotations

import math

import numpy as np

from perpbook.kernels.types import Floats
from perpbook.treasury.facts import Times

Z90 = 1.2815515655446004
Z99 = 2.3263478740408408

NEVER_LESS = 1e-9
"""Seconds that a median is above its least at least, so that it has a logarithm."""


def seconds_at(times: Times, z: Floats) -> Floats:
    """How long it takes, seconds, at standard normal scores `z`: 0 gives the median, `Z99` the 99 % point."""
    shift = times.least if times.least < times.typical else 0.0
    points = [(0.0, times.typical), *([(Z90, times.p90)] if times.p90 is not None else []), (Z99, times.worst)]
    scores = [score for score, _ in points]
    logs = [math.log(max(value - shift, NEVER_LESS)) for _, value in points]
    slopes = [(logs[k + 1] - logs[k]) / (scores[k + 1] - scores[k]) for k in range(len(points) - 1)]
    piece = np.clip(np.searchsorted(scores, z, side="right") - 1, 0, len(slopes) - 1)
    line = np.array(logs)[piece] + np.array(slopes)[piece] * (z - np.array(scores)[piece])
    out: Floats = np.maximum(shift + np.exp(line), times.least)
    return out
