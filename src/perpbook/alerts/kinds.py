"""Every kind of alert there is: what raises it, and how bad it may be."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.model.alert import Severity
from perpbook.playbook.keys import schema_keys

INFO, WARN, PAGE = Severity.INFO, Severity.WARN, Severity.PAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind, the severities it comes in, the worst last, and what it is about."""

    name: str
    severities: tuple[Severity, ...]
    about: str


RENAMED = {
    "funding.skew_alert": "funding.skew",
    "funding.flip_after": "funding.flip",
    "liquidity.spread_alert": "market.spread",
    "guardrails.daily_drawdown": "drawdown.daily",
    "guardrails.weekly_drawdown": "drawdown.weekly",
    "drill.cadence": "drill.overdue",
    "account.margin": "margin.dead",
}
"""Rules of the playbook that people know by another name; the rest are rule.KEY."""

SOFT = ("funding.skew", "market.spread", "drill.overdue")
"""Beyond their limits these warn, and near them they are notes: nobody has to get up for them."""


def kind_of(rule: str) -> str:
    """The kind of a rule's alerts, by the rule's dotted key."""
    return RENAMED.get(rule, f"rule.{rule}")


def _kind(name: str, about: str, *severities: Severity) -> Kind:
    return Kind(name=name, severities=severities, about=about)


OWN = (
    _kind("funding.skew", "a rate beyond funding.skew_alert", INFO, WARN),
    _kind("funding.flip", "a position that pays where it received", WARN, PAGE),
    _kind("market.spread", "a spread beyond liquidity.spread_alert, or far from its own past", INFO, WARN),
    _kind("market.basis", "a basis far from its own past", WARN),
    _kind("market.depth", "depth far below its own past", WARN),
    _kind("liquidation.move", "the move that kills an account", WARN, PAGE),
    _kind("margin.ratio", "an account's margin ratio", WARN, PAGE),
    _kind("margin.dead", "an account below its maintenance margin", PAGE),
    _kind("drawdown.daily", "what the book lost today", WARN, PAGE),
    _kind("drawdown.weekly", "what the book lost this week", WARN, PAGE),
    _kind("drill.overdue", "a drill that is due, or too old", INFO, WARN),
    _kind("stale.prices", "a check without prices it may use", PAGE),
    _kind("stale.feed", "a stream that fell silent", WARN),
    _kind("feed.refused", "a message that makes no sense", WARN),
    _kind("layer.health", "a layer that stopped, or is not known", WARN, PAGE),
    _kind("layer.gas", "gas far dearer than usual", INFO),
    _kind("bridge.late", "money that should have come", WARN),
    _kind("bridge.stuck", "money that will not come by itself", PAGE),
    _kind("proposal.waits", "a proposal that needs an answer", PAGE),
    _kind("proposal.expiring", "a proposal with a quarter of its time left", PAGE),
    _kind("proposal.expired", "a proposal that nobody answered", WARN),
    _kind("proposal.approved", "a proposal that was approved", INFO, WARN),
    _kind("proposal.denied", "a proposal that was denied", INFO),
    _kind("proposal.closed", "a proposal that was carried out", INFO, WARN),
    _kind("proposal.stopped", "a proposal that was stopped half way", PAGE),
    _kind("order.refused", "an order that a venue, or the guard, refused", WARN),
    _kind("order.unknown", "an order of which no answer came", WARN, PAGE),
    _kind("verify.waits", "a position that is not yet what fills say", WARN, PAGE),
    _kind("incident", "what must be looked at before anything goes on", PAGE),
    _kind("incident.acknowledged", "an incident that somebody has seen", INFO),
    _kind("kill", "the kill switch was pulled", PAGE),
    _kind("kill.*", "what the kill switch could not do, and its end", WARN, PAGE),
    _kind("positions.changed", "somebody else traded", WARN),
    _kind("unknown.account", "an account that nothing is known of", PAGE),
    _kind("rebalance.due", "a rebalance of the playbook that fell due", WARN),
    _kind("unknown.steps", "steps of profit that were reached before the guard first looked", WARN),
    _kind("unknown.start", "losses of the day or week that nobody saw from its start", WARN),
    _kind("rules.unjudged", "rules in force that the guard does not judge", WARN),
    _kind("armed", "the guard may act", WARN),
    _kind("disarmed", "the guard proposes only", INFO),
    _kind("refused.*", "what somebody asked of the guard and it did not do", INFO, WARN),
    _kind("guard.error", "the guard failed", PAGE),
    _kind("guard.down", "the guard's process ended", PAGE),
    _kind("teller.down", "the process that tells alerts ended, or stood still", WARN, PAGE),
    _kind("telegram.refused", "a press of a button that did not count", WARN),
)
"""What is not a rule by its own name. A kind that is not here is routed by its severity like any other."""


def every_kind() -> tuple[Kind, ...]:
    """All kinds, those of rules after the others."""
    rules = [
        _kind(f"rule.{section}.*", f"rules of [{section}]", WARN, PAGE)
        for section in dict.fromkeys(key.path.split(".")[0] for key in schema_keys() if "." in key.path)
        if section not in ("data", "alerts", "rebalance")
    ]
    return (*OWN, *rules)
