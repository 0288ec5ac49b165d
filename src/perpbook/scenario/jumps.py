"""Jumps as a trader writes them, `2/y,-8%,5%`, and as paths need them: so many a step, log sizes, excitement that fades."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.errors import InputError
from perpbook.kernels.paths import Jumps
from perpbook.model.units import DAY_NS, HOUR_NS
from perpbook.scenario.durations import read_duration, write_duration

PERIODS = {"h": HOUR_NS, "d": DAY_NS, "w": 7 * DAY_NS, "mo": 365 * DAY_NS // 12, "y": 365 * DAY_NS}
"""What a rate may be of; a year has 365 days."""

MOST_A_STEP = 1.0
"""More jumps a step than this are no jumps: they are volatility."""

HOW = 'write them like "2/y,-8%,5%": how often, the middle size, the spread of sizes; then own=1/w, excite=0.3, half=6h, beta'


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpsAsked:
    """rate, own_rate : jumps a nanosecond that come to all at once, and to each price alone. move : the middle jump, a
    fraction (-0.08 falls by 8 %). spread : standard deviation of a jump's log size. excite : further common jumps that a
    common fall brings on average, in all; half_ns : how long until half of them have come. by_beta : log sizes times
    each asset's beta."""

    rate: float
    move: float
    spread: float
    own_rate: float = 0.0
    excite: float = 0.0
    half_ns: int = 6 * HOUR_NS
    by_beta: bool = False

    def laid(self, step_ns: int, betas: Sequence[float]) -> Jumps:
        """As a source of paths takes them. betas : one per price.

        Raises
        ------
        InputError : more than one jump a step is expected.
        """
        each_step = (self.rate + self.own_rate) * step_ns
        if each_step > MOST_A_STEP:
            raise InputError(
                f"{each_step:.3g} jumps are expected in each step of {write_duration(step_ns)}: that is volatility; "
                "make them rarer, or the step shorter"
            )
        size = np.array(betas, dtype=np.float64) if self.by_beta else np.ones(len(betas))
        fade = 2.0 ** (-step_ns / self.half_ns) if self.excite else 0.0
        return Jumps(
            rate=self.rate * step_ns,
            excite=self.excite * (1.0 - fade),
            fade=fade,
            own_rate=np.full(len(betas), self.own_rate * step_ns),
            mean=size * math.log1p(self.move),
            spread=np.abs(size) * self.spread,
        )


def parse_jumps(text: str) -> JumpsAsked:
    """Jumps from one option's words.

    Raises
    ------
    InputError : they are not written so, or make no sense.
    """
    words = [word.strip() for word in text.split(",")]
    if len(words) < 3:
        raise InputError(f'--jumps "{text}": {HOW}')
    more = dict(_named(word, text) for word in words[3:])
    if len(more) < len(words) - 3:
        raise InputError(f'--jumps "{text}": it says a thing twice; {HOW}')
    half_ns = read_duration(more["half"]) if "half" in more else 6 * HOUR_NS
    if not half_ns:
        raise InputError(f'--jumps "{text}": half={more["half"]} is no length of time; write half=6h')
    asked = JumpsAsked(
        rate=_rate(words[0], text),
        move=_fraction(words[1], text),
        spread=_fraction(words[2], text),
        own_rate=_rate(more["own"], text) if "own" in more else 0.0,
        excite=_fraction(more["excite"], text) if "excite" in more else 0.0,
        half_ns=half_ns,
        by_beta="beta" in more,
    )
    return _sensible(asked, text)


def _sensible(asked: JumpsAsked, text: str) -> JumpsAsked:
    wrong = {
        "a jump of -100 % or less leaves no price": asked.move <= -1.0,
        "a jump of more than +500 % is a slip: sizes are fractions or percent": asked.move > 5.0,
        "the spread of sizes is from 0 to 100 %": not 0.0 <= asked.spread <= 1.0,
        "jumps that bring one more each, or more, never end: excite is from 0 to below 1": not 0.0
        <= asked.excite
        < 1.0,
        "there is no jump: a rate above 0 is needed": asked.rate == 0.0 and asked.own_rate == 0.0,
        "excite is of common jumps, and there are none": asked.excite > 0.0 and asked.rate == 0.0,
    }
    for why, holds in wrong.items():
        if holds:
            raise InputError(f'--jumps "{text}": {why}')
    return asked


def _named(word: str, text: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if name == "beta" and not equals:
        return name, ""
    if name in ("own", "excite", "half") and equals and value:
        return name, value
    raise InputError(f'--jumps "{text}": "{word}" is nothing it knows; {HOW}')


def _rate(word: str, text: str) -> float:
    """Jumps a nanosecond."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(h|d|w|mo|y)", word)
    if found is None:
        raise InputError(f'--jumps "{text}": "{word}" says not how often; write 2/y, 1/mo, 0.5/w, 1/d')
    return float(found[1]) / PERIODS[found[2]]


def _fraction(word: str, text: str) -> float:
    found = re.fullmatch(r"([+-]?\d+(?:\.\d+)?)(%?)", word)
    if found is None:
        raise InputError(f'--jumps "{text}": "{word}" is no size; write -8% or -0.08')
    return float(found[1]) / (100.0 if found[2] else 1.0)
