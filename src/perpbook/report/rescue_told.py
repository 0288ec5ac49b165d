"""The rescue gap in words and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from perpbook.report.drill_measures import Chance
from perpbook.report.words import lasting
from perpbook.treasury.barrier import ALARM
from perpbook.treasury.gaps import AccountGap, RescueGaps
from perpbook.treasury.rescue import Arrival, Late


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueRow:
    """One account's gap as texts; `reason` in place of a way where no money reaches it."""

    account: str
    source: str
    way: str
    typical: str
    worst: str
    late: str
    closed: str
    alarmed: str
    second: str
    taken: str
    reason: str


def rows_of(gaps: RescueGaps) -> list[RescueRow]:
    """The table, an account a row."""
    return [_row(one) for one in gaps.accounts]


def _row(gap: AccountGap) -> RescueRow:
    best, second, late = gap.rescue.best, gap.rescue.second, gap.main
    return RescueRow(
        account=gap.rescue.account,
        source=best.way.pot.name if best else "",
        way=best.way.words if best else "",
        typical=lasting(best.point(0.5)) if best else "",
        worst=lasting(best.point(0.99)) if best else "",
        late=_too_late(gap, late) if late else "",
        closed=f"{_share(gap.closed.late)}" if gap.closed else "",
        alarmed=_share(rung.late / rung.rings) if (rung := gap.rescue.alarmed) and rung.rings else "",
        second=_second(second, gap.rescue.shared) if best else "",
        taken=_hindered(gap),
        reason=gap.rescue.reason,
    )


def _too_late(gap: AccountGap, late: Late) -> str:
    return _share(late.late / late.futures) if gap.one_future else _chance(late)


def _hindered(gap: AccountGap) -> str:
    """What the storm does to the way that is best in calm, and what that would be."""
    if gap.rescue.taken:
        return ", ".join(gap.rescue.taken) + _calm(gap)
    return f"only later: {', '.join(gap.rescue.later)}" if gap.rescue.later else ""


def _second(second: Arrival | None, shared: tuple[str, ...]) -> str:
    if second is None:
        return "none"
    told = f"{second.way.pot.name}, {second.way.words}: {lasting(second.point(0.5))}, 1 in 100 {lasting(second.point(0.99))}"
    return told + (f" (both need {', '.join(shared)})" if shared else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The account that money comes too late for most often, and how often: sent at the start, of all futures, and sent at the
    alarm ("" where it never rings), of those in which it rings."""

    account: str
    start: str
    alarm: str


def headline_of(gaps: RescueGaps) -> Headline | None:
    """The worst gap of the book; None where nobody that money reaches dies in any future."""

    def worst(gap: AccountGap) -> tuple[float, float]:
        rung = gap.rescue.alarmed
        late = max(one.late / one.futures for one, _ in _sides(gap))
        return (rung.late / rung.rings if rung and rung.rings else 0.0, late)

    dying = [one for one in gaps.accounts if one.rescue.best and any(late.dies for late, _ in _sides(one))]
    if not dying:
        return None
    gap = max(dying, key=worst)
    row = _row(gap)
    return Headline(account=gap.rescue.account, start=row.late, alarm=row.alarmed)


def rescue_sentences(gaps: RescueGaps) -> list[str]:
    """What the reader must hear, account by account, then what to doubt of it."""
    out, quiet = [], []
    for one in gaps.accounts:
        if one.rescue.best is None:
            continue
        told = [death_words(one, late, said) for late, said in _sides(one) if late.dies]
        out += [*told, *([closed_words(one), _alarm(one)] if told and not one.rescue.best.way.at_once else [])]
        quiet += [] if told else [one.rescue.account]
    out += [f"No money reaches {who}: {why}." for why, who in _reasons(gaps).items()]
    for later in (False, True):
        when = ", but only once money sent at the start is through" if later else ""
        for what, who in _taken(gaps, later=later).items():
            out.append(f"The storm ({what}) hinders the way to {who} that is best in calm{when}.")
    return [
        *(one for one in out if one),
        *([f"Dies in no future, so money is in time: {', '.join(quiet)}."] if quiet else []),
    ]


def _sides(gap: AccountGap) -> list[tuple[Late, str]]:
    """Counts, and how a sentence of them begins."""
    if gap.under is None:
        return [(gap.without, "")] if gap.without else []
    return [(gap.under, "Under the playbook: "), *([(gap.without, "Without it: ")] if gap.without else [])]


def death_words(gap: AccountGap, late: Late, said: str = "") -> str:
    """In how many futures an account dies, and in how many of them before money can arrive."""
    best, name = gap.rescue.best, gap.rescue.account
    assert best is not None
    money = f"money sent from {best.way.pot.name} at the start"
    by = best.way.words if best.way.at_once else f"by {best.way.words}"
    travel = f"typically {lasting(best.point(0.5))}, {by}; 1 in 100 times {lasting(best.point(0.99))}"
    if best.point(0.99) < 1.0:
        travel = f"at once, {by}"
    if gap.one_future:
        told = f"{name} dies; {money} ({travel}) comes too late with a chance of {_share(late.late / late.futures)}."
    else:
        told = (
            f"in {late.dies:,} of {late.futures:,} futures {name} dies; in {late.late:,} of them before {money} can arrive "
            f"({travel}): {_chance(late)} of all."
        )
    return (said + told if said or gap.one_future else told[0].upper() + told[1:]) + _within(gap, late)


def _within(gap: AccountGap, late: Late) -> str:
    """How much hangs on when in its step the account dies, where that is more than chance makes of it."""
    if gap.rescue.best is not None and gap.rescue.best.way.at_once:
        return ""
    low, high = late.least / late.futures, late.most / late.futures
    inner = interval_of(late) if not gap.one_future else (low, low)
    if low >= inner[0] and high <= inner[1]:
        return ""
    return (
        f" When in its step it dies is not known: {_share(low)} were it at the end, {_share(high)} at the beginning; a smaller "
        "--step looks closer."
    )


def closed_words(gap: AccountGap) -> str:
    """The closed form beside the futures without rules, and why they differ where they do."""
    closed, free = gap.closed, gap.without
    if closed is None or free is None or gap.one_future:
        return ""
    low, high = interval_of(free)
    said = (
        f"In closed form ({closed.asset} alone, {closed.volatility:.0%} a year, no rules) {_share(closed.late)} die before it "
        f"arrives and {_share(closed.dies)} at all"
    )
    if low <= closed.late <= high:
        return f"{said}: as the futures without rules have it."
    return (
        f"{said}; the futures without rules have {_chance(free)}: they know jumps, fat tails, clusters of volatility, funding "
        "and steps, the closed form none of them."
    )


def _alarm(gap: AccountGap) -> str:
    """The same for money that is sent when the alarm rings, without rules."""
    rung, closed = gap.rescue.alarmed, gap.closed
    if rung is None or not rung.rings or rung.futures == 0:
        return ""
    said = "Without rules, m" if gap.under else "M"
    low, high = rung.least / rung.rings, rung.most / rung.rings
    more = [] if gap.one_future else [f"{rung.late:,} of {rung.rings:,} futures"]
    more += [f"{_share(low)} to {_share(high)} by when in their steps alarm and death come"] if low != high else []
    told = f"{said}oney sent when its margin ratio reaches {ALARM:g} comes too late with a chance of "
    told += _share(rung.late / rung.rings) + (f" ({'; '.join(more)})" if more else "")
    return told + (f"; in closed form {_share(closed.late_after_alarm)}." if closed and not gap.one_future else ".")


def _reasons(gaps: RescueGaps) -> dict[str, str]:
    """Accounts by the reason why no money reaches them."""
    out: dict[str, list[str]] = {}
    for one in gaps.accounts:
        if one.rescue.best is None:
            out.setdefault(one.rescue.reason, []).append(one.rescue.account)
    return {why: ", ".join(who) for why, who in out.items()}


def _taken(gaps: RescueGaps, *, later: bool) -> dict[str, str]:
    """Accounts by what the storm does to their way, from the start or only later."""
    out: dict[str, list[str]] = {}
    for one in gaps.accounts:
        what = one.rescue.later if later else one.rescue.taken
        if what:
            out.setdefault(", ".join(what), []).append(one.rescue.account)
    return {what: ", ".join(who) for what, who in out.items()}


def _calm(gap: AccountGap) -> str:
    """How money comes in calm, where that is another way."""
    calm, best = gap.rescue.calm, gap.rescue.best
    if calm is None or (best is not None and best.way == calm.way and best.point(0.5) == calm.point(0.5)):
        return ""
    by = calm.way.words if calm.way.at_once else f"by {calm.way.words}"
    return f"; in calm {lasting(calm.point(0.5))} from {calm.way.pot.name} {by}"


def _share(value: float) -> str:
    return f"{value:.1%}" if value >= 0.01 or value == 0.0 else f"{value:.2%}" if value >= 1e-4 else "under 0.01%"


def interval_of(late: Late) -> tuple[float, float]:
    """Low and high of the chance to be too late, 95 % (Wilson)."""
    return Chance(count=late.late, paths=late.futures).interval


def _chance(late: Late) -> str:
    low, high = interval_of(late)
    return f"{_share(late.late / late.futures)} ({_share(low)} to {_share(high)})"


def now_sentences(gaps: Sequence[AccountGap]) -> list[str]:
    """The gaps of a book as it stands, in closed form."""
    out = []
    for one in gaps:
        best, closed, name = one.rescue.best, one.closed, one.rescue.account
        if best is None or closed is None:
            out.append(f"Rescue: no money reaches {name}: {one.rescue.reason}.")
            continue
        by = best.way.words if best.way.at_once else f"by {best.way.words}"
        out.append(
            f"Rescue, if {closed.asset} moves {closed.volatility:.0%} a year: {name} is liquidated before money sent now from "
            f"{best.way.pot.name} {by} arrives with a chance of {_share(closed.late)}, before money sent when its margin ratio "
            f"reaches {ALARM:g} with {_share(closed.late_after_alarm)} (closed form; {lasting(best.point(0.5))} typically, 1 in "
            f"100 times {lasting(best.point(0.99))})."
        )
    return out
