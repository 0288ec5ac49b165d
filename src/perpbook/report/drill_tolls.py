"""What a drill's futures cost beside prices: debts left to venues, winners taken, what frozen venues keep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from perpbook.engine.drill import Futures
from perpbook.kernels.toll import BARE, DEBT, KEPT, TAKEN
from perpbook.kernels.types import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Toll:
    """Dollars >= 0 of one account: in how many futures there are any, and their mean there; `most` is the most of any."""

    futures: int
    mean: float
    most: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTolls:
    """`debt` is what its venue was left with when it went bankrupt, in the account's own coin; `taken` the exposure that
    auto-deleveraging closed, `bare` the part of it whose other leg then stood alone; `kept` what a frozen venue keeps."""

    account: str
    debt: Toll
    taken: Toll
    bare: Toll
    kept: Toll


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolls:
    """One side of a drill: `debt`, `taken`, `bare` and `kept` of the whole book, and of every account."""

    debt: Toll
    taken: Toll
    bare: Toll
    kept: Toll
    accounts: tuple[AccountTolls, ...]


def tolls_of(futures: Futures, accounts: Sequence[str]) -> Tolls:
    """The tolls of one side."""
    every, found = futures.tolls.sum(axis=1), futures.tolls
    return Tolls(
        debt=_toll(every[:, DEBT]),
        taken=_toll(every[:, TAKEN]),
        bare=_toll(every[:, BARE]),
        kept=_toll(every[:, KEPT]),
        accounts=tuple(
            AccountTolls(
                account=name,
                debt=_toll(found[:, number, DEBT]),
                taken=_toll(found[:, number, TAKEN]),
                bare=_toll(found[:, number, BARE]),
                kept=_toll(found[:, number, KEPT]),
            )
            for number, name in enumerate(accounts)
        ),
    )


def _toll(dollars: Floats) -> Toll:
    some = dollars[dollars > 0.0]
    return Toll(
        futures=some.size, mean=float(some.mean()) if some.size else 0.0, most=float(np.max(dollars, initial=0.0))
    )


NAMES = {
    "debt": "a bankrupt account's debt, left to venues",
    "taken": "winners closed by venues",
    "bare": "of which left another leg alone",
    "kept": "kept by frozen venues",
}


def toll_lines(sides: Sequence[Tolls], paths: int) -> list[tuple[str, list[str]]]:
    """(name, one text per side) of a table's lines, without those of which no side has any."""
    out = []
    for name, words in NAMES.items():
        found: list[Toll] = [getattr(one, name) for one in sides]
        if any(one.futures for one in found):
            out.append((words, [_told(one, paths) for one in found]))
    return out


def _told(one: Toll, paths: int) -> str:
    """In how many futures, and how much there."""
    if not one.futures:
        return "none"
    if paths == 1:
        return f"{one.mean:,.0f}"
    return f"{one.mean:,.0f} in {one.futures:,} ({one.most:,.0f} at most)"


def toll_sentences(tolls: Tolls, paths: int) -> list[str]:
    """What each account pays so, in sentences."""
    out = []
    for one in tolls.accounts:
        if one.debt.futures:
            where = "" if paths == 1 else f" in {one.debt.futures:,} of {paths:,} futures"
            least = "" if paths == 1 else " on average"
            out.append(
                f"{one.account} goes bankrupt{where} and leaves its venue a debt of {one.debt.mean:,.0f} of its own coin{least}."
            )
        if one.taken.futures:
            where = (
                ""
                if paths == 1
                else f" in {one.taken.futures:,} of {paths:,} futures, {one.taken.mean:,.0f} on average"
            )
            what = f" {one.taken.mean:,.0f} of exposure" if paths == 1 else " exposure"
            bare = f"; {one.bare.mean:,.0f} of it leaves another leg alone" if one.bare.futures else ""
            out.append(f"The venue of {one.account} closes{what} that wins there{where}{bare}.")
        if one.kept.futures:
            out.append(f"The frozen venue of {one.account} keeps {one.kept.mean:,.0f} of its equity.")
    return out
