"""A delivery in words: one line that says what it is about, and what there is to know below."""

from __future__ import annotations

from dataclasses import asdict

from perpbook.alerts.held import Delivery, Part, What, spoken
from perpbook.model.action import Leg, Proposal, digest_of
from perpbook.model.alert import Alert
from perpbook.model.units import to_iso

LONGEST = 3_500
"""Letters of a message; Telegram takes 4,096."""

LISTED = 30
"""Alerts that a digest or a summary names; the rest are counted."""

HEADS = {
    What.AGAIN: "still, and nobody has acknowledged it",
    What.ESCALATED: "nobody has acknowledged it elsewhere",
    What.EASED: "is less bad",
    What.RESOLVED: "is over",
}


def line(text: str, longest: int = 400) -> str:
    """Somebody's words on one line, without control characters, cut short."""
    out = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return out if len(out) <= longest else out[: longest - 1] + "…"


def title_of(delivery: Delivery) -> str:
    """What it is about, on one line."""
    if delivery.what in (What.DIGEST, What.SUMMARY):
        pages = sum(one.alert.severity.value == "page" and not one.alert.resolved for one in delivery.parts)
        told = f"{len(delivery.parts)} alerts{f', {pages} of them pages' if pages else ''}"
        return f"Digest: {told}" if delivery.what is What.DIGEST else f"Many at once: {told}"
    return _head(delivery.parts[0])


def body_of(delivery: Delivery) -> str:
    """What there is to know, line by line."""
    if len(delivery.parts) == 1:
        out = _lines(delivery.parts[0])
    else:
        out = [f"{_head(part)}: {line(part.alert.sentence, 200)}" for part in delivery.parts[:LISTED]]
        left = len(delivery.parts) - len(out)
        out += [f"and {left} more: perpbook alerts history"] if left else []
        out += ["perpbook alerts ack --all"] if delivery.is_page else []
    text = "\n".join(out)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def document_of(delivery: Delivery) -> dict[str, object]:
    """As plain data, for programs. `id` : the same when a message is tried again."""
    parts = [[part.id, part.episode, part.what.value, part.after_ns] for part in delivery.parts]
    return {
        "schema": "alert/1",
        "id": digest_of([delivery.channel, delivery.what.value, parts])[:32],
        "what": delivery.what.value,
        "title": title_of(delivery),
        "at": to_iso(delivery.at_ns),
        "silent": delivery.silent,
        "alerts": [_plain(part) for part in delivery.parts],
    }


def proposal_text(proposal: Proposal) -> str:
    """What a person is asked to approve: every leg, what it may cost, the risk before and after, until when."""
    before, after = proposal.before, proposal.after
    told = [
        f"Proposal {proposal.short}: {proposal.kind.value} for {line(proposal.rule, 80)}",
        line(proposal.reason),
        *(_leg(leg) for leg in proposal.legs[:LISTED]),
        *([line(proposal.transfer)] if proposal.transfer else []),
        *([f"cancels {len(proposal.cancels)} orders"] if proposal.cancels else []),
        f"costs at most {proposal.cost_max:,.2f}; not sent if the price moved more than {proposal.collar:.2%}",
        f"margin ratio {before.margin_ratio:.1%} -> {after.margin_ratio:.1%}",
        f"effective leverage {before.effective:.2f}x -> {after.effective:.2f}x",
        f"without an answer by {to_iso(proposal.expires_ns)} it is denied",
    ]
    left = len(proposal.legs) - LISTED
    told += [f"and {left} more legs: perpbook approvals list"] if left > 0 else []
    return "\n".join(told)[:LONGEST]


def _leg(leg: Leg) -> str:
    side = "buy" if leg.quantity > 0 else "sell"
    return (
        f"{side} {abs(leg.quantity):g} {line(leg.symbol, 40)} in {line(leg.account, 40)}, holding {leg.held:g}, "
        f"at {leg.limit_price:g} or better{', reduce-only' if leg.reduce_only else ''}"
        f"{leg.pace and f', {leg.pace}'}"
    )


def _head(part: Part) -> str:
    alert = part.alert
    severity = "OVER" if alert.resolved else alert.severity.value.upper()
    where = " ".join(line(one, 60) for one in (alert.account, alert.symbol) if one)
    return f"{severity} {alert.kind}{f' {where}' if where else ''}"


def _lines(part: Part) -> list[str]:
    alert, out = part.alert, [line(part.alert.sentence)]
    if alert.measured is not None and alert.limit is not None:
        out.append(f"measured {figure(alert.measured, alert.unit)}, limit {figure(alert.limit, alert.unit)}")
    if part.what in HEADS:
        out.append(f"It {HEADS[part.what]}.")
    if alert.severity.value == "page" and not alert.resolved:
        out.append(f"perpbook alerts ack '{line(spoken(alert.key), 200)}'")
    out.append(to_iso(alert.at_ns))
    return out


def figure(value: float, unit: str) -> str:
    """A number in its unit."""
    if unit == "share":
        return f"{value:.2%}"
    return f"{value:.4g}{'x' if unit == 'x' else f' {unit}' if unit else ''}"


def _plain(part: Part) -> dict[str, object]:
    found = asdict(part.alert)
    return {**found, "severity": part.alert.severity.value, "key": spoken(part.alert.key), "what": part.what.value}


def trial_alert(channel: str, now_ns: int) -> Alert:
    """What `alerts test` sends."""
    from perpbook.model.alert import Severity

    return Alert(
        kind="test",
        severity=Severity.INFO,
        at_ns=now_ns,
        sentence=f"A test of the channel {channel}: nothing is wrong.",
    )
