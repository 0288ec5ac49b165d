"""A message read no further than to know whether it leads to nothing: is it a sound book, and does it come in a calm?

A form says how a venue writes a book: its own bytes, with the codes below for what differs from one to the next. What is not
written so to the byte is not judged here: False means not sure, never refused.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from perpbook.kernels.calm import AT, GRANTED, IN_ORDER, UNTIL
from perpbook.kernels.jit import inlined, kernel

TIME, PRICE, SIZE, ASKS, NUMBER, SEQUENCE, AGAIN, REPEAT = 1, 2, 3, 4, 5, 6, 7, 8
"""Codes of a form. TIME: milliseconds.  PRICE, SIZE: of a level, best first, bids before ASKS.  NUMBER: any whole one.
AGAIN .. REPEAT: once, and once more after each comma."""

WORDS = 32
"""Codes are below; a venue's own bytes are not."""

AHEAD, LAG, LEVELS = 0, 1, 2
"""Limits: how far ahead of ours and behind it a venue's time may be (ns), and how many levels of a side are looked at."""

MILLISECONDS, NUMBER_OF, SIDE, COUNT, LAST, BEST, NOW = 0, 1, 2, 3, 4, 5, 6
"""What was read so far: its time and sequence; of the side it is at, 0 bids and 1 asks, levels and the last price looked at; the
best bid; and the price of the level it is at."""

DIGITS = 15
"""More may not be a float's own value."""

POWERS = tuple(float(f"1e{power}") for power in range(DIGITS + 1))
MS_NS = 1_000_000
LATEST_MS = 9_200_000_000_000
"""Later times are no 64-bit nanoseconds."""

COMMA, POINT, ZERO, NINE = 44, 46, 48, 57


@inlined
def whole(raw: bytes, at: int) -> tuple[float, int]:
    """A whole number as JSON writes it, of few digits, and where it ends; -1 where there is none."""
    begin, value = at, 0
    while at < len(raw) and ZERO <= raw[at] <= NINE and at - begin <= DIGITS:
        value = 10 * value + raw[at] - ZERO
        at += 1
    if at == begin or at - begin > DIGITS or (raw[begin] == ZERO and at - begin > 1):
        return 0.0, -1
    return float(value), at


@inlined
def decimal(raw: bytes, at: int) -> tuple[float, int]:
    """A decimal number without a sign or a power, the float nearest to it, and where it ends; -1 where there is none.

    Both the digits and the power of ten are exact, so their quotient is what reading the text gives.
    """
    begin, value, places = at, 0, -1
    while at < len(raw) and (ZERO <= raw[at] <= NINE or (raw[at] == POINT and places < 0)) and at - begin <= DIGITS:
        if raw[at] == POINT:
            places = 0
        else:
            value = 10 * value + raw[at] - ZERO
            places += places >= 0
        at += 1
    if at == begin or at - begin > DIGITS or places == 0 or raw[begin] == POINT:
        return 0.0, -1
    if raw[begin] == ZERO and at - begin > 1 and raw[begin + 1] != POINT:
        return 0.0, -1
    return value / POWERS[max(places, 0)], at


@inlined
def level(size: float, seen: Any, levels: int) -> bool:
    """Take a level, and whether it may follow: beyond `levels` whatever it is."""
    price, last, first = seen[NOW], seen[LAST], seen[COUNT] == 0
    if seen[COUNT] < levels:
        if not (price > 0.0 and size > 0.0 and (price > last if seen[SIDE] > 0 else first or price < last)):
            return False
        if first and seen[SIDE] == 0:
            seen[BEST] = price
        seen[LAST] = price
    seen[COUNT] += 1
    return True


@inlined
def number(raw: bytes, at: int, code: int, seen: Any, levels: int) -> int:
    """Read and take what a code stands for, and where it ends; -1 where that cannot be."""
    if code == PRICE or code == SIZE:  # noqa: SIM109 (compiled to less than a tuple)
        value, at = decimal(raw, at)
        if code == PRICE:
            seen[NOW] = value
        elif at >= 0 and not level(value, seen, levels):
            return -1
        return at
    value, at = whole(raw, at)
    if code == TIME:
        seen[MILLISECONDS] = value
    elif code == SEQUENCE:
        seen[NUMBER_OF] = value
    return at


@inlined
def read(raw: bytes, form: bytes, levels: int, seen: Any) -> bool:
    """Whether a message is written so, and a sound book, as `Depth.is_sound` has it of `levels` a side. seen : (7,) zeros."""
    at, step, again = 0, 0, 0
    while step < len(form):
        code = int(form[step])
        step += 1
        if code >= WORDS:
            at = at + 1 if at < len(raw) and raw[at] == code else -1
        elif code == AGAIN:
            again = step
        elif code == REPEAT:
            if at < len(raw) and raw[at] == COMMA:
                at, step = at + 1, again
        elif code == ASKS:
            at = at if seen[COUNT] > 0 else -1
            seen[SIDE], seen[COUNT], seen[LAST] = 1, 0, seen[BEST]
        else:
            at = number(raw, at, code, seen, levels)
        if at < 0:
            return False
    return at == len(raw) and seen[SIDE] > 0 and seen[COUNT] > 0


@kernel
def glimpse(raw: bytes, form: bytes, limits: Any, received_ns: int, calm: Any, row: int) -> bool:
    """Whether a book is surely sound and not older than the last, and comes in its contract's calm; that keeps its time then.

    limits : (3,) int64.  calm : (rows, 4) int64; one row of it is the contract's.
    """
    if calm[row, GRANTED] != calm[0, GRANTED] or received_ns >= calm[row, UNTIL]:
        return False
    seen = np.zeros(7)
    if not read(raw, form, limits[LEVELS], seen) or seen[MILLISECONDS] > LATEST_MS:
        return False
    at_ns, sequence = int(seen[MILLISECONDS]) * MS_NS, int(seen[NUMBER_OF])
    if at_ns <= 0 or at_ns > received_ns + limits[AHEAD] or received_ns - at_ns > limits[LAG]:
        return False
    if at_ns < calm[row, AT] or (at_ns == calm[row, AT] and sequence < calm[row, IN_ORDER]):
        return False
    calm[row, AT] = at_ns
    calm[row, IN_ORDER] = sequence
    return True
