"""What accounts paid of funding and what was settled of contracts, asked of venues beside the loop: at the start, a little after
every hour, when they settle, and now and then between.

What a venue does not tell is asked for once more, and then told as not known; from then on, and once every UTC day, everything is
asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from perpbook.engine.ports import Venue
from perpbook.errors import PerpbookError
from perpbook.model.message import FundingSeen, Message, RatesSeen
from perpbook.model.units import DAY_NS, HOUR_NS, SECOND_NS

EVERY_NS = 600 * SECOND_NS
"""Between two questions about what accounts paid."""

AFTER_NS = 45 * SECOND_NS
"""How long after an hour its settlements are asked for: venues list them late."""

AGAIN_S = 5.0
"""Until a question that was not answered is asked once more, and until a venue that is not open is looked at again."""

OVERLAP_NS = 1_800 * SECOND_NS
"""How far before the last answer is asked again, for what was listed late."""

BACK_NS = 60 * DAY_NS
"""How far back payments are counted that follow each other: as far as `check` looks."""

RATES_NS = 20 * DAY_NS
"""How far back rates are asked for: what was before weighs a hundredth in what is expected."""

ENOUGH = 2
"""Rates of which an interval is known: with fewer nothing is, and all are asked for again."""

REQUEST_S, FAR_S = 120.0, 900.0
"""Within which an answer comes, all its pages; one that reaches back farther than a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FundingAsked:
    """What one venue is asked. accounts : that are asked about; in_row : as far back as payments are counted.  symbols :
    contracts whose rates are wanted."""

    venue: str
    accounts: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    in_row: bool = False


async def funding_beside(
    asked: FundingAsked, venues: Mapping[str, Venue], clock: Callable[[], int]
) -> AsyncIterator[Message]:
    """What a venue tells, for ever. venues : those that are open; it may come later."""
    wanted = [*((name, True) for name in asked.accounts), *((name, False) for name in asked.symbols)]
    told: dict[tuple[str, bool], int] = {}
    due: dict[tuple[str, bool], int] = {}
    while True:
        port = venues.get(asked.venue)
        for key in wanted:
            if port is not None and port.capabilities.tells_funding and clock() >= due.get(key, 0):
                before = told.pop(key, None)
                seen = await _told(port, key, before, asked.in_row, clock)
                if not seen.why and (isinstance(seen, FundingSeen) or before is not None or len(seen.rates) >= ENOUGH):
                    told[key] = seen.at_ns
                due[key] = next_ns(clock(), HOUR_NS if isinstance(seen, RatesSeen) and not seen.why else EVERY_NS)
                yield seen
        await asyncio.sleep(AGAIN_S)


def next_ns(now_ns: int, every_ns: int) -> int:
    """When to ask again: after so long, or a little after the hour if that comes before."""
    after_hour = (now_ns - AFTER_NS) // HOUR_NS * HOUR_NS + HOUR_NS + AFTER_NS
    return min(now_ns + every_ns, after_hour)


async def _told(
    port: Venue, key: tuple[str, bool], told_ns: int | None, in_row: bool, clock: Callable[[], int]
) -> FundingSeen | RatesSeen:
    """An answer, or that there is none. key : an account (True), or a contract."""
    name, is_account = key
    now, why = clock(), ""
    far = (BACK_NS if in_row else now % DAY_NS) if is_account else RATES_NS
    since = now - far if told_ns is None or told_ns // DAY_NS != now // DAY_NS else told_ns - OVERLAP_NS
    for wait in (AGAIN_S, 0.0):
        try:
            async with asyncio.timeout(FAR_S if now - since > DAY_NS else REQUEST_S):
                return await (port.funding(name, since) if is_account else port.rates(name, since))
        except (PerpbookError, OSError, TimeoutError) as error:
            why = str(error) or type(error).__name__
        await asyncio.sleep(wait)
    now = clock()
    if is_account:
        return FundingSeen(
            venue=port.name, account=name, payments=(), since_ns=now, at_ns=now, received_ns=now, why=why
        )
    return RatesSeen(venue=port.name, symbol=name, rates=(), since_ns=now, at_ns=now, received_ns=now, why=why)
