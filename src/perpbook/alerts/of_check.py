"""What a check found, as alerts. Pure: findings, accounts, layers and money under way in, what stands out.

Near a limit is WARN, beyond it PAGE. An alert that stands stays until what it measures has come down to `CLEAR` of the near mark,
so that a figure on the mark does not flap.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from perpbook.alerts.held import rank
from perpbook.alerts.kinds import SOFT, kind_of
from perpbook.margin.assessment import AccountAssessment
from perpbook.model.alert import Alert, Severity
from perpbook.model.book import Transfer
from perpbook.model.health import STOPPED, LayerHealth, State
from perpbook.model.units import to_iso
from perpbook.model.verdict import Finding, Status
from perpbook.playbook.alerts_section import Alerts

CLEAR = 0.95
"""Of the near mark: below it, what stood is over."""

Key = tuple[str, str, str]
UNJUDGED = ("drawdown.",)
"""Kinds of which a check that does not mention them knows nothing."""


def alerts_of_findings(
    findings: Iterable[Finding],
    near: float,
    at_ns: int,
    standing: Collection[Key] = (),
    accounts: Collection[str] = (),
) -> tuple[Alert, ...]:
    """One alert for each rule and whom it is about: the worst of what was found.

    near : the playbook's.  standing : keys of what stands.  accounts : the book's, by id.
    """
    worst: dict[Key, tuple[int, float, Alert]] = {}
    for one in findings:
        alert = _of_finding(one, at_ns, accounts)
        if one.status is Status.OK and not (alert.key in standing and one.used >= CLEAR * near):
            continue
        place = (rank(alert), one.used)
        if alert.key not in worst or place > worst[alert.key][:2]:
            worst[alert.key] = (*place, alert)
    return tuple(alert for _, _, alert in worst.values())


def _of_finding(one: Finding, at_ns: int, accounts: Collection[str]) -> Alert:
    kind, breach = kind_of(one.rule), one.status is Status.BREACH
    severity = Severity.PAGE if breach else Severity.WARN
    if kind in SOFT:
        severity = Severity.WARN if breach else Severity.INFO
    symbol, account = _whom(one.subject)
    if symbol in accounts and not account:
        symbol, account = "", symbol
    sentence = one.sentence + (f" {one.hint}" if breach and one.hint else "")
    return Alert(
        kind=kind, severity=severity, at_ns=at_ns, sentence=sentence, account=account, symbol=symbol,
        measured=_finite(one.measured), limit=_finite(one.limit), unit=one.unit,
    )  # fmt: skip


def _whom(subject: str) -> tuple[str, str]:
    """Symbol and account of a subject; a survival move is left out, so that all moves that kill an account are one alert."""
    whom = subject.split(": ", 1)[1] if subject.startswith("±") and ": " in subject else subject
    symbol, _, account = whom.rpartition(" @ ")
    return (symbol, account) if symbol else ("" if whom == "book" else whom, "")


def alerts_of_accounts(
    accounts: Iterable[AccountAssessment], rules: Alerts, near: float, at_ns: int, standing: Collection[Key] = ()
) -> tuple[Alert, ...]:
    """Accounts whose margin ratio is too high, or that too small a move kills."""
    out = []
    for one in accounts:
        ratio, move = one.summary.margin_ratio, one.liquidation_move
        if rules.margin_ratio is not None:
            told = f"{one.id} uses {ratio:.1%} of its equity as maintenance margin; it is liquidated at 100%."
            out.append(
                _limited("margin.ratio", one.id, ratio, rules.margin_ratio, ratio / max(rules.margin_ratio, 1e-9), told)
            )
        if rules.liquidation_move is not None and move is not None:
            told = f"{one.id} dies when every price moves {move:+.1%} (by beta)."
            used = rules.liquidation_move / abs(move) if move else math.inf
            out.append(_limited("liquidation.move", one.id, abs(move), rules.liquidation_move, used, told))
    return tuple(
        replace(alert, at_ns=at_ns)
        for alert, used in out
        if used >= near or (alert.key in standing and used >= CLEAR * near)
    )


def _limited(kind: str, account: str, measured: float, limit: float, used: float, told: str) -> tuple[Alert, float]:
    severity = Severity.PAGE if used > 1.0 else Severity.WARN
    alert = Alert(
        kind=kind, severity=severity, at_ns=0, sentence=told, account=account,
        measured=_finite(measured), limit=limit, unit="share",
    )  # fmt: skip
    return alert, used


def alerts_of_layers(layers: Iterable[LayerHealth]) -> tuple[Alert, ...]:
    """Layers that stopped (PAGE), are not well or not known (WARN), and gas that is dear (INFO)."""
    out = []
    for one in layers:
        if one.worst is not State.OK:
            severity = Severity.PAGE if one.worst in STOPPED else Severity.WARN
            told = f"{one.name} is {one.worst.value}: {_why(one)}."
            out.append(
                Alert(kind="layer.health", severity=severity, at_ns=one.as_of_ns, sentence=told, symbol=one.layer)
            )
        if one.fees is not None and one.fees.dear:
            told = f"Gas on {one.name} is {one.fees.times_usual:.0f} times what is usual."
            out.append(
                Alert(kind="layer.gas", severity=Severity.INFO, at_ns=one.as_of_ns, sentence=told, symbol=one.layer)
            )
    return tuple(out)


def _why(layer: LayerHealth) -> str:
    """The clocks that are watched and are not well."""
    ill = [one for one in layer.clocks.values() if one.watched and one.state is not State.OK]
    told = "; ".join(f"{one.clock} {one.state.value}" + (f", {one.why}" if one.why else "") for one in ill)
    return told or "nobody could be believed"


def alerts_of_transfers(transfers: Sequence[Transfer], now_ns: int) -> tuple[Alert, ...]:
    """Money that is late (WARN), or stuck (PAGE)."""
    out = []
    for one in transfers:
        way = f"{one.asset} {one.source} -> {one.destination}"
        told = f"{one.amount:,.6g} {one.asset} from {one.source} to {one.destination}"
        if one.stuck:
            told += " is stuck: it will not come by itself."
            out.append(Alert(kind="bridge.stuck", severity=Severity.PAGE, at_ns=now_ns, sentence=told, symbol=way))
        elif one.arrives_ns is not None and one.arrives_ns < now_ns:
            told += f" should have come at {to_iso(one.arrives_ns)}."
            out.append(Alert(kind="bridge.late", severity=Severity.WARN, at_ns=now_ns, sentence=told, symbol=way))
    return tuple(out)


def over(standing: Iterable[Alert], found: Iterable[Alert], looked: Sequence[str], at_ns: int) -> tuple[Alert, ...]:
    """What stood and is no longer found, as resolved. looked : beginnings of the kinds that were looked for this time; what
    nobody looked for is not over."""
    now = {one.key for one in found}
    return tuple(
        replace(one, at_ns=at_ns, resolved=True, sentence=f"Over: {one.sentence}")
        for one in standing
        if one.key not in now and one.kind.startswith(tuple(looked)) and not one.kind.startswith(UNJUDGED)
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
