"""Random numbers that depend on a seed and a path's number alone: xoshiro128++ (Blackman and Vigna), seeded per path.

The state is four words of 32 bits in int64, so that the compiled and the plain source agree without any arithmetic that
overflows differently. Every path has a stream of its own; drawing paths in another order, or on more threads, changes
nothing.
"""

from __future__ import annotations

import math

from perpbook.kernels.jit import part
from perpbook.kernels.types import Integers

MASK = 0xFFFFFFFF
TWO_32 = 4294967296.0
TWO_53 = 9007199254740992.0

WORDS = 4
"""Size of a generator's state."""


@part
def mix(word: int) -> int:
    """Spread a 32-bit word (the finaliser of MurmurHash3)."""
    word ^= word >> 16
    word = (word * 0x85EBCA6B) & MASK
    word ^= word >> 13
    word = (word * 0xC2B2AE35) & MASK
    return word ^ (word >> 16)


@part
def seed_path(state: Integers, seed: int, path: int) -> None:
    """Begin the stream of one path. seed : 0 to 2^63 - 1.  path : 0 to 2^32 - 1."""
    word = mix((seed & MASK) ^ 0x9E3779B9)
    word = mix((word + (seed >> 32)) & MASK)
    word = mix((word + path) & MASK) ^ mix(path ^ 0x7F4A7C15)
    for k in range(WORDS):
        word = (word + 0x9E3779B9) & MASK
        state[k] = mix(word ^ mix((path + k) & MASK))
    if state[0] == 0 and state[1] == 0 and state[2] == 0 and state[3] == 0:
        state[0] = 1


@part
def next_word(state: Integers) -> int:
    """The next 32 bits."""
    a, b, c, d = int(state[0]), int(state[1]), int(state[2]), int(state[3])
    total = (a + d) & MASK
    out = ((((total << 7) & MASK) | (total >> 25)) + a) & MASK
    shifted = (b << 9) & MASK
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= shifted
    d = ((d << 11) & MASK) | (d >> 21)
    state[0], state[1], state[2], state[3] = a, b, c, d
    return out


@part
def uniform(state: Integers) -> float:
    """A number in (0, 1), of 53 bits."""
    high, low = next_word(state) >> 5, next_word(state) >> 6
    return (high * 67108864.0 + low + 0.5) / TWO_53


@part
def below(state: Integers, count: int) -> int:
    """A whole number from 0 to count - 1; count < 2^31."""
    return (next_word(state) * count) >> 32


@part
def normal(state: Integers) -> float:
    """A standard normal number (Box and Muller, one of the two)."""
    return math.sqrt(-2.0 * math.log(uniform(state))) * math.cos(2.0 * math.pi * uniform(state))


@part
def gamma(state: Integers, shape: float) -> float:
    """A gamma number of `shape` >= 1/2 and scale 1 (Marsaglia and Tsang, with their step for shapes below 1)."""
    boost = 1.0
    if shape < 1.0:
        boost = uniform(state) ** (1.0 / shape)
        shape += 1.0
    d = shape - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        x = normal(state)
        v = 1.0 + c * x
        if v <= 0.0:
            continue
        v = v * v * v
        if math.log(uniform(state)) < 0.5 * x * x + d - d * v + d * math.log(v):
            return boost * d * v
