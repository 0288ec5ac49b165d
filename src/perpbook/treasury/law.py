"""The law of how long something takes, put through the points that are known of it, and mixed with the chance that it is held up.

The time less its least is taken to be lognormal: T = least + exp(a + b z), z standard normal, through the median (z = 0) and the
99 % point. Where a 90 % point is known too, the line a + b z bends there; below the median it goes on as it is just above, and
beyond the last point as before it. So every figure of the facts is met exactly.

With a chance p of being stuck the time is of this law with 1 - p, and of the law of stuck transfers with p: P(T <= t) =
(1 - p) F(t) + p G(t). What is still to wait after w seconds has the law of T - w given T > w.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from perpbook.kernels.types import Floats
from perpbook.treasury.facts import Stuck, Times

Z90 = 1.2815515655446004
Z99 = 2.3263478740408408

NEVER_LESS = 1e-9
"""Seconds that a median is above its least at least, so that it has a logarithm."""

KNOTS = 500

HALVINGS = 40
CLOSE = 1.0 + 1e-8
"""Halving ends when both ends are so near, as a ratio."""


def chance_below(scores: Floats) -> Floats:
    """The chance that a standard normal is below each score. SciPy is imported late: not every book asks for a time."""
    from scipy.special import ndtr

    out: Floats = ndtr(scores)
    return out


def score_of(chances: Floats) -> Floats:
    """The scores below which a standard normal is with such chances."""
    from scipy.special import ndtri

    out: Floats = ndtri(chances)
    return out


def seconds_at(times: Times, z: Floats) -> Floats:
    """How long it takes, seconds, at standard normal scores `z`: 0 gives the median, `Z99` the 99 % point."""
    shift, scores, logs, slopes = _line(times)
    piece = np.clip(np.searchsorted(scores, z, side="right") - 1, 0, slopes.size - 1)
    line = logs[piece] + slopes[piece] * (z - scores[piece])
    out: Floats = np.maximum(shift + np.exp(line), times.least)
    return out


def left_at(times: Times, seconds: Floats) -> Floats:
    """The chance that it takes longer than so many seconds."""
    shift, scores, logs, slopes = _line(times)
    log = np.log(np.maximum(seconds - shift, NEVER_LESS * 1e-3))
    piece = np.clip(np.searchsorted(logs, log, side="right") - 1, 0, slopes.size - 1)
    ahead = log - logs[piece]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(
            slopes[piece] > 0.0, scores[piece] + ahead / slopes[piece], np.where(ahead >= 0.0, np.inf, -np.inf)
        )
    out: Floats = np.where(seconds < times.least, 1.0, chance_below(-z))
    return out


def left_of(times: Times, stuck: Stuck | None, seconds: Floats) -> Floats:
    """The chance that it takes longer than so many seconds, stuck or not."""
    if stuck is None:
        return left_at(times, seconds)
    out: Floats = (1.0 - stuck.chance) * left_at(times, seconds) + stuck.chance * left_at(stuck.seconds, seconds)
    return out


def seconds_by(times: Times, stuck: Stuck | None, share: Floats) -> Floats:
    """By when it has happened in such shares (0 to 1) of all cases, stuck or not."""
    return _when(times, stuck, 1.0 - np.asarray(share, dtype=np.float64))


def drawn_at(times: Times, stuck: Stuck | None, z: Floats) -> Floats:
    """As `seconds_by`, at standard normal scores: the share at score z is that below it. Of many scores, between `KNOTS` of them
    the logarithm is taken to be straight."""
    if stuck is None:
        return seconds_at(times, z)
    if z.size <= KNOTS:
        return _when(times, stuck, chance_below(-z))
    knots = np.linspace(float(z.min()), float(z.max()), KNOTS)
    out: Floats = np.exp(np.interp(z, knots, np.log(np.maximum(_when(times, stuck, chance_below(-knots)), NEVER_LESS))))
    return out


def drawn_by(seconds: Floats, share: float) -> float:
    """By when it has happened in such a share (0 to 1) of the draws: the least of them that so many do not exceed."""
    place = min(max(math.ceil(seconds.size * share - 1.0), 0), seconds.size - 1)
    return float(np.partition(seconds, place)[place])


def rest_by(times: Times, stuck: Stuck | None, passed: Floats, share: Floats) -> Floats:
    """What is still to wait, seconds, in no more than such shares of cases, of what has taken `passed` seconds already and has
    not happened; inf where it should have happened whatever the case."""
    waited = np.asarray(passed, dtype=np.float64)
    left = left_of(times, stuck, waited)
    when = _when(times, stuck, (1.0 - np.asarray(share, dtype=np.float64)) * left)
    out: Floats = np.where(left > 0.0, np.maximum(when - waited, 0.0), np.inf)
    return out


def arrives_within(times: Times, stuck: Stuck | None, passed: Floats, seconds: Floats) -> Floats:
    """The chance that what has taken `passed` seconds already and has not happened does within `seconds` more; 0 where it
    should have happened whatever the case."""
    waited = np.asarray(passed, dtype=np.float64)
    left = left_of(times, stuck, waited)
    with np.errstate(divide="ignore", invalid="ignore"):
        out: Floats = np.where(left > 0.0, 1.0 - left_of(times, stuck, waited + seconds) / left, 0.0)
    return out


@lru_cache(maxsize=4_096)
def _line(times: Times) -> tuple[float, Floats, Floats, Floats]:
    """Least that is taken off, and the scores, logarithms and slopes of the broken line."""
    shift = times.least if times.least < times.typical else 0.0
    points = [(0.0, times.typical), *([(Z90, times.p90)] if times.p90 is not None else []), (Z99, times.worst)]
    scores = np.array([score for score, _ in points])
    logs = np.array([math.log(max(value - shift, NEVER_LESS)) for _, value in points])
    return shift, scores, logs, np.diff(logs) / np.diff(scores)


def _when(times: Times, stuck: Stuck | None, left: Floats) -> Floats:
    """The seconds after which so much is left, by halving the score between those of the two laws."""
    if stuck is None:
        return seconds_at(times, -score_of(left))
    if left.size > KNOTS:
        return _mixed(times, stuck, left)
    return _kept(times, stuck, left.tobytes()).reshape(left.shape)


@lru_cache(maxsize=4_096)
def _kept(times: Times, stuck: Stuck, left: bytes) -> Floats:
    """Of few shares, which are asked again and again; not to be written to."""
    out = _mixed(times, stuck, np.frombuffer(left))
    out.setflags(write=False)
    return out


def _mixed(times: Times, stuck: Stuck, left: Floats) -> Floats:
    body = seconds_at(times, -score_of(left))
    held = seconds_at(stuck.seconds, -score_of(left))

    def later(moment: Floats) -> NDArray[np.bool_]:
        return left_of(times, stuck, moment) > left

    return _halved(later, np.minimum(body, held), np.maximum(body, held))


def _halved(later: Callable[[Floats], NDArray[np.bool_]], low: Floats, high: Floats) -> Floats:
    """Where `later` turns false between two moments: halved in the logarithm, so that a second counts as much as a week."""
    low, high = np.maximum(low, NEVER_LESS), np.maximum(high, NEVER_LESS)
    for _ in range(HALVINGS):
        if (high <= low * CLOSE).all():
            break
        middle = np.sqrt(low) * np.sqrt(high)
        more = later(middle)
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return high
