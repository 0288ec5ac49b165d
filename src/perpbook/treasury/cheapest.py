"""The cheapest ways for what rules want in places, one want after the other: of equal cost the soonest. Nothing is sent.

What one want takes, the next has not. A planner that weighs all wants and failures together is `exact`; this needs no solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perpbook.model.account import Account
from perpbook.model.market import STABLECOINS
from perpbook.model.verdict import MoneyMove
from perpbook.terms.terms import VenueTerms
from perpbook.treasury.facts import Facts
from perpbook.treasury.law import Z90
from perpbook.treasury.pots import Pot, weight_of
from perpbook.treasury.ways import Traffic, Way, ways_onto, ways_to

CENT = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """`dollars` wanted in an account or on a layer (`layer` its id, "" for an account), in one coin or (`asset` "") in any
    stablecoin that counts there, and the rule that wants it."""

    rule: str
    place: str
    dollars: float
    layer: str = ""
    asset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purse:
    """Where money could come from, and how it goes. accounts : of the book, by id."""

    facts: Facts
    pots: Sequence[Pot]
    accounts: Mapping[str, Account]
    terms: Mapping[str, VenueTerms]
    traffic: Traffic


def cheapest_moves(wants: Sequence[Want], purse: Purse) -> tuple[MoneyMove, ...]:
    """What to send, by want; where nothing or too little can come, a move without a source says so."""
    left = {_key(pot): pot.dollars for pot in purse.pots}
    moves: list[MoneyMove] = []
    for want in wants:
        missing = want.dollars
        for way in ranked(want, purse):
            sent = min(way.dollars, left[_key(way.pot)], missing * (1.0 + way.fee_rate) + way.fee_fixed)
            arrives = sent * (1.0 - way.fee_rate) - way.fee_fixed
            if missing < CENT or arrives < CENT or sent < way.least:
                continue
            left[_key(way.pot)] -= sent
            missing -= arrives
            moves.append(_move(want, way, sent, purse.traffic))
        if missing >= CENT:
            moves.append(
                MoneyMove(rule=want.rule, place=want.place, asset=want.asset, dollars=missing, why=_why(want, purse))
            )
    return tuple(moves)


def ranked(want: Want, purse: Purse) -> list[Way]:
    """Every way to what is wanted, the cheapest first."""
    ways = [way for pot in purse.pots for way in _ways(want, pot, purse)]
    soonest = purse.traffic.ranked(ways)
    return sorted(
        soonest, key=lambda way: (len(unknown_fees(way)), way.fee_fixed + way.fee_rate * min(want.dollars, way.dollars))
    )


def unknown_fees(way: Way) -> tuple[str, ...]:
    """Hops whose fee nobody knows: such a way comes after those that are known."""
    return tuple(hop.words or hop.name for hop in way.hops if hop.fee.dollars is None or hop.fee.bps is None)


def _ways(want: Want, pot: Pot, purse: Purse) -> Iterator[Way]:
    """Ways from one pot, in coins that count where they go."""
    if want.layer:
        wanted = pot.asset == want.asset if want.asset else pot.asset in STABLECOINS
        yield from ways_onto(purse.facts, pot, want.layer) if wanted else ()
        return
    account = purse.accounts[want.place]
    venue = purse.facts.venues.get(account.venue)
    if venue is not None and weight_of(pot.asset, account, purse.terms[account.venue], purse.facts) >= 1.0:
        yield from ways_to(purse.facts, pot, venue, account.id)


def _key(pot: Pot) -> tuple[str, str]:
    """What is taken from a pot another has not: an account's money may leave as several coins."""
    return (pot.account, "") if pot.account else (pot.layer, pot.asset)


def _move(want: Want, way: Way, sent: float, traffic: Traffic) -> MoneyMove:
    unknown = [f"{hop.words}: {hop.fee.plus}" for hop in way.hops if hop.fee.plus]
    unknown += [f"{name}: its fee" for name in unknown_fees(way)]
    return MoneyMove(
        rule=want.rule, place=want.place, asset=way.pot.asset, dollars=sent, source=way.pot.name, way=way.words,
        fee=way.fee_fixed + way.fee_rate * sent, typical_seconds=traffic.at_score(way, 0.0),
        slow_seconds=traffic.at_score(way, Z90), beside=tuple(dict.fromkeys(unknown)),
    )  # fmt: skip


def _why(want: Want, purse: Purse) -> str:
    if not want.layer and purse.accounts[want.place].venue not in purse.facts.venues:
        return "no way to its venue is known"
    if want.asset and not any(pot.asset == want.asset for pot in purse.pots):
        return f"the book has no {want.asset} elsewhere that could go: buy it and send it there"
    return "nothing else in the book can go there"
