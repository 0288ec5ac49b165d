"""The redundancy audit in words, rows and plain data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from perpbook.report.spoken import counted, listed, money, share
from perpbook.report.words import lasting
from perpbook.treasury.audit import LATE, NAKED, Audit, Break, Finding
from perpbook.treasury.audit_view import PROMISED, Reach
from perpbook.treasury.changes import ANOTHER, Change, Enable, Move, Provide, Reduce

if TYPE_CHECKING:
    from rich.console import Console

    from perpbook.treasury.repair import Audited, Repair


def tell_audit(console: Console, found: Audited, *, every: bool = False) -> None:
    """Verdict, failures, accounts, the smallest change, what to doubt."""
    audit = found.audit
    if found.case.snapshot.market.simulated:
        console.print("Prices are examples, not a market: nothing here is a quote.")
    console.print(verdict_of(audit))
    _tell_failures(console, audit, every=every or bool(found.named))
    _tell_accounts(console, found)
    for told in break_sentences(audit):
        console.print(told)
    if found.repair is not None:
        for told in repair_sentences(found.repair):
            console.print(told)
    for told in notes_of(found):
        console.print(f"Note: {told}.")


def verdict_of(audit: Audit) -> str:
    """One sentence."""
    count = counted(len(audit.findings), "single failure", "single failures")
    if not audit.findings:
        return "Nothing can fail: the book has no account, no balance and no transfer that hangs on anything."
    if audit.safe:
        return f"N-1 safe: of {count} none breaks this book."
    if audit.safe is None:
        return f"N-1 not known: of {count} none breaks what can be judged; {len(audit.unknown)} accounts cannot be."
    calm = f" {listed([one.who for one in audit.breaks])} without any failure." if audit.breaks else ""
    broken = counted(len(audit.breaking), "breaks it", "break it").replace("no break it", "none breaks it")
    return f"Not N-1 safe: of {count} {broken}.{calm}"


def _tell_failures(console: Console, audit: Audit, *, every: bool) -> None:
    from rich.table import Table

    shown = [one for one in audit.findings if every or one.breaks or one.damage >= 1.0 or one.stuck > 0.0]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("if this fails", "is a", "damage", "out of reach", "legs alone", "breaks"):
        table.add_column(title, justify="right" if title in ("damage", "out of reach", "legs alone") else "left")
    for one in shown:
        stuck = share(one.stuck / audit.equity, 0) if audit.equity > 0.0 and one.stuck else "none"
        broken = ", ".join(dict.fromkeys(two.who for two in one.breaks))
        table.add_row(
            one.single.name, one.single.kind.value, _some(one.damage), stuck, _some(one.naked), broken or "nothing"
        )
    if shown:
        console.print(table)
    rest = [one.single.name for one in audit.findings if one not in shown]
    if rest:
        console.print(f"Break nothing and take nothing away: {', '.join(rest)}.")


def _tell_accounts(console: Console, found: Audited) -> None:
    from rich.table import Table

    audit, lives = found.audit, found.view.lives
    if not audit.reached:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    limit = share(audit.limits.late)
    for title in ("account", f"{limit} liquidated in", "money there in", "too late", "at worst", "when"):
        table.add_column(title, justify="left" if title in ("account", "when") else "right")
    for name, calm in audit.reached.items():
        worst = worst_of(audit, name)
        table.add_row(
            name, _until(lives[name].until(audit.limits.late), lives[name].unknown), seconds_words(calm.promised),
            chance_words(calm.late), chance_words(worst[0]), worst[1],
        )  # fmt: skip
    console.print(table)


def worst_of(audit: Audit, account: str) -> tuple[float | None, str]:
    """The largest chance that money comes too late, and the failure that makes it so."""
    found = [(one.reached[account].late, one.single.name) for one in audit.findings if account in one.reached]
    known = [(late, name) for late, name in found if late is not None]
    if not known:
        return None, ""
    late, name = max(known, key=lambda one: one[0])
    calm = audit.reached[account].late or 0.0
    return late, name if late > calm + 1e-6 else ""


def break_sentences(audit: Audit) -> list[str]:
    """What each failure breaks, and by how much."""
    out = [f"Without any failure: {break_words(one, None, audit)}." for one in audit.breaks]
    told: dict[str, list[str]] = {}
    for finding in audit.breaking:
        for one in finding.breaks:
            told.setdefault(break_words(one, finding, audit), []).append(finding.single.name)
    return [*out, *(f"If {' or '.join(names)} fails: {words}." for words, names in told.items())]


def break_words(one: Break, finding: Finding | None, audit: Audit) -> str:
    """One break in words."""
    limit = share(one.limit)
    if one.how == NAKED and finding is not None:
        leg = next(two for two in finding.legs if two.asset == one.who)
        return (
            f"{one.who} is left net {money(leg.after)} instead of {money(leg.before)} ({money(0.01 * leg.naked)} more for each "
            f"1 % it moves); legs left alone lose {share(one.measured)} of the equity left in a move of "
            f"{share(audit.limits.move, 0)}, {limit} is allowed"
        )
    if one.how == LATE:
        reach = (finding.reached if finding else audit.reached)[one.who]
        return f"{one.who} is liquidated first with a chance of {share(one.measured)}, {limit} is allowed: {reach_words(reach)}"
    return f"nothing reaches {one.who} while it lasts; how long that account lives is not known"


def reach_words(reach: Reach) -> str:
    """How money comes."""
    if reach.way is None:
        return f"no money comes ({reach.reason})"
    way = reach.way
    by = way.words if way.at_once else f"by {way.words}"
    return (
        f"money comes from {way.pot.name} {by}, {share(PROMISED, 0)} of the time within {seconds_words(reach.promised)}"
    )


def repair_sentences(repair: Repair) -> list[str]:
    """What to change, and what the audit says after it."""
    if not repair.changes:
        return [f"No change was found that mends it: {'; '.join(repair.rest)}."]
    out = ["The smallest change that was found:"]
    out += [f"{number}. {change_words(one)}" for number, one in enumerate(repair.changes, start=1)]
    dollars, cost = sum(one.dollars for one in repair.changes), sum(one.cost for one in repair.changes)
    ends = f"{money(dollars)} in all, {money(cost)} of it known cost" if dollars else "no dollar moves"
    if repair.enough:
        verdict = "N-1 safe" if repair.after.safe else "nothing breaks any more that can be judged"
        return [*out, f"Audited again with it: {verdict} ({ends}). Nothing is sent."]
    return [
        *out,
        f"Audited again with it: not enough ({ends}); still broken: {'; '.join(repair.rest)}. Nothing is sent.",
    ]


def change_words(one: Change) -> str:
    """One change."""
    match one:
        case Move():
            more = f"; not counted: {', '.join(one.unpriced)}" if one.unpriced else ""
            by = one.way.words if one.way.at_once else f"by {one.way.words}"
            return (
                f"send {money(one.dollars)} of {one.way.pot.asset} from {one.way.pot.name} to {one.destination} {by}, there "
                f"within {seconds_words(one.seconds)}{more}"
            )
        case Reduce():
            legs = [f"{'sell' if two.quantity < 0 else 'buy'} {abs(two.quantity):,.10g} {two.symbol} @ {two.account}"
                    for two in one.trades]  # fmt: skip
            return f"{listed(legs)}: {one.why}; {money(one.dollars)}, costs {money(one.cost)}"
        case Enable():
            return f"make {one.family} ready: open it, and send a small amount over it once"
        case Provide():
            return f"reach {one.layer} through one provider more, on another cloud"


def notes_of(found: Audited) -> list[str]:
    """What to doubt."""
    audit, case = found.audit, found.case
    out = [
        f"a failure lasts {lasting(audit.limits.lasting)}; money is sent as it begins, and goes another way or waits, "
        "whichever is sooner",
        *audit.notes,
    ]
    out += [f"{account}: {why}" for account, why in audit.unknown.items()]
    if case.sigmas.correlation is None and any(one.how.endswith("at most") for one in found.view.lives.values()):
        out.append(
            "how assets move together is not known: accounts of several are taken at their worst (--correlation)"
        )
    told = {case.facts.layer_id(one.layer) for one in case.snapshot.book.access}
    held = {case.facts.layer_id(one.layer) for one in case.snapshot.book.layers} - told - {None}
    if held:
        out.append(
            f"through whom {listed(sorted(str(one) for one in held))} is reached is not known: name it under [access]"
        )
    return list(dict.fromkeys(out))


def audit_document(found: Audited) -> dict[str, Any]:
    """All of it as plain data: seconds, fractions, dollars; null for never and for not known."""
    audit = found.audit
    return {
        "safe": audit.safe, "simulated": found.case.snapshot.market.simulated, "playbook": found.playbook,
        "limits": audit.limits, "equity": audit.equity,
        "accounts": [_account(found, name, reach) for name, reach in audit.reached.items()],
        "without_failure": [_break(one) for one in audit.breaks],
        "failures": [_failure(audit, one) for one in audit.findings],
        "change": None if found.repair is None else _repair(found.repair),
        "unknown": dict(audit.unknown), "notes": notes_of(found),
    }  # fmt: skip


def _account(found: Audited, name: str, reach: Reach) -> dict[str, Any]:
    life = found.view.lives[name]
    worst = worst_of(found.audit, name)
    return {
        **_reach(reach), "lives": life.how or None, "seconds_until_limit": _finite(life.until(found.audit.limits.late)),
        "worst_late": worst[0], "worst_failure": worst[1] or None,
    }  # fmt: skip


def _reach(reach: Reach) -> dict[str, Any]:
    return {
        "account": reach.account, "late": reach.late, "from": reach.way.pot.name if reach.way else None,
        "by": reach.way.words if reach.way else None, "typical_seconds": _finite(reach.typical),
        "promised_seconds": _finite(reach.promised), "no_money_because": None if reach.way else reach.reason,
    }  # fmt: skip


def _failure(audit: Audit, one: Finding) -> dict[str, Any]:
    return {
        "name": one.single.name, "kind": one.single.kind.value, "does": one.single.does, "damage": one.damage,
        "stuck": one.stuck, "stuck_share": one.stuck / audit.equity if audit.equity > 0.0 else None, "loss": one.loss,
        "cannot_trade": sorted(one.single.closed), "cannot_pay_out": sorted(one.single.unpaid),
        "legs": [{"asset": two.asset, "net_before": two.before, "net_after": two.after, "naked": two.naked,
                  "dollars_per_percent": 0.01 * two.naked} for two in one.legs],
        "accounts": [_reach(two) for two in one.reached.values()], "breaks": [_break(two) for two in one.breaks],
    }  # fmt: skip


def _break(one: Break) -> dict[str, Any]:
    return {"who": one.who, "how": one.how, "measured": _finite(one.measured), "limit": one.limit}


def _repair(repair: Repair) -> dict[str, Any]:
    return {
        "enough": repair.enough, "safe_after": repair.after.safe, "still_broken": list(repair.rest),
        "steps": [change_step(one) for one in repair.changes],
    }  # fmt: skip


def change_step(one: Change) -> dict[str, Any]:
    """A change as a proposal."""
    match one:
        case Move():
            return {
                "kind": "transfer", "source": one.source, "target": one.destination, "asset": one.way.pot.asset,
                "dollars": one.dollars, "by": one.way.words, "routes": [hop.name for hop in one.way.hops],
                "fee": one.cost, "fee_unknown": list(one.unpriced), "promised_seconds": _finite(one.seconds),
            }  # fmt: skip
        case Reduce():
            return {
                "kind": "trades", "why": one.why, "notional": one.dollars, "cost": one.cost,
                "legs": [{"account": two.account, "symbol": two.symbol, "quantity": two.quantity, "reduce_only": True}
                         for two in one.trades],
            }  # fmt: skip
        case Enable():
            return {"kind": "enable", "route_family": one.family}
        case Provide():
            return {"kind": "provide", "layer": one.layer, "provider": ANOTHER}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def seconds_words(seconds: float) -> str:
    """A length of time; "never" without end."""
    return lasting(seconds) if math.isfinite(seconds) else "never"


def chance_words(value: float | None) -> str:
    """A chance; small ones are not counted out."""
    if value is None:
        return "not known"
    return "under 0.01%" if 0.0 < value < 1e-4 else share(value) if value >= 1e-3 or value == 0.0 else share(value, 2)


def _some(dollars: float) -> str:
    return money(dollars) if dollars >= 1.0 else "none"


def _until(seconds: float, unknown: str) -> str:
    return "not known" if unknown else lasting(seconds) if math.isfinite(seconds) else "over a week"
