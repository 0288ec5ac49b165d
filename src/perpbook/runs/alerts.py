"""`alerts`: one look at a book told to people, what would go where, what was told, and who has seen it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError, MissingData, StaleData
from perpbook.model.alert import Alert, Severity
from perpbook.model.health import LayerHealth
from perpbook.model.record import Record, RecordKind
from perpbook.model.told import Past, Routed, Went
from perpbook.runs.places import home

if TYPE_CHECKING:
    from perpbook.alerts.channels import Channel, Sent
    from perpbook.alerts.held import Delivery
    from perpbook.alerts.teller import Teller
    from perpbook.playbook.alerts_section import Alerts
    from perpbook.runs.check import CheckResult

CHECKED = ("rule.", "funding.", "drill.", "liquidation.", "margin.", "bridge.", "stale.prices")
"""Beginnings of the kinds that every look judges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One look. journal : where what was told is kept. health : tell of layers as they were last seen, when that is at most so
    many seconds ago. listen : take acknowledgements that were pressed on Telegram."""

    book: Path
    playbook: Path | None
    journal: str
    market: Path | None = None
    health_s: float | None = None
    listen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What stands after a look, the worst first, what was sent, and why the book could not be judged ("" where it could)."""

    standing: tuple[Alert, ...]
    went: tuple[Went, ...]
    unjudged: str = ""


def rules_in(playbook: Path | None) -> Alerts:
    """[alerts] of a playbook file; the defaults where there is none."""
    from perpbook.playbook.alerts_section import Alerts
    from perpbook.playbook.load import load_playbook

    return (load_playbook(playbook).alerts if playbook else None) or Alerts()


def look(asked: Asked, now_ns: int) -> Looked:
    """Check the book, take what was found as alerts, and send what is due.

    Raises
    ------
    InputError : a file is wrong.  BrokenJournal : what was told before cannot be read.
    """
    rules = rules_in(asked.playbook)
    teller, unopened = teller_of(rules, asked.journal)
    unjudged = _hear(teller, asked, rules, now_ns)
    went = asyncio.run(_tell(teller, asked.listen))
    told = tuple(
        Went(channel=one.channel, what=one.what, title=one.title, ok=one.ok, why=unopened.get(one.channel, one.why))
        for one in went
    )
    return Looked(standing=teller.desk.standing(), went=told, unjudged=unjudged)


def teller_of(rules: Alerts, journal: str) -> tuple[Teller, dict[str, str]]:
    """A teller over every channel that can be opened; and why the others cannot."""
    from perpbook.alerts.routing import routing_of
    from perpbook.alerts.teller import Teller
    from perpbook.journal.database import open_journal

    channels: dict[str, Channel] = {}
    unopened: dict[str, str] = {}
    for name in rules.channels:
        try:
            channels[name] = _open(name, rules)
        except InputError as error:
            unopened[name] = error.message.splitlines()[0]
    return Teller(routing_of(rules), channels, partial(open_journal, journal)), unopened


def _open(name: str, rules: Alerts) -> Channel:
    from perpbook.alerts.opening import open_channel

    return open_channel(name, rules, os.environ, folder=home(), write=partial(print, file=sys.stderr))


def _hear(teller: Teller, asked: Asked, rules: Alerts, now_ns: int) -> str:
    """What one check has to say; why there was none, and then nothing is over."""
    from perpbook.alerts.of_check import over
    from perpbook.runs.check import run_check
    from perpbook.runs.places import lake_folder, terms_folders

    try:
        result = run_check(
            asked.book, asked.playbook, market=asked.market, now_ns=now_ns, terms_folders=terms_folders(), lake=lake_folder()
        )  # fmt: skip
    except (StaleData, MissingData) as error:
        said = f"The book cannot be judged: {error}"
        teller.hear([Alert(kind="stale.prices", severity=Severity.PAGE, at_ns=now_ns, sentence=said)], stands=True)
        return str(error)
    found, looked = _found(teller, result, rules, now_ns), [*CHECKED, *(["market."] if rules.unusual else [])]
    if result.playbook.liquidity and result.playbook.liquidity.spread_alert is not None:
        looked.append("market.spread")
    if asked.health_s is not None:
        from perpbook.alerts.of_check import alerts_of_layers

        found += alerts_of_layers(_layers(asked.health_s, now_ns))
        looked.append("layer.")
    teller.hear(found, stands=True)
    teller.hear(over(teller.desk.standing(), found, looked, now_ns), stands=True)
    return ""


def _found(teller: Teller, result: CheckResult, rules: Alerts, now_ns: int) -> tuple[Alert, ...]:
    from perpbook.alerts.of_check import alerts_of_accounts, alerts_of_findings, alerts_of_transfers
    from perpbook.alerts.usual import figures_of, unusual

    standing, near = [one.key for one in teller.desk.standing()], result.playbook.near
    accounts = [one.id for one in result.assessment.accounts]
    found = alerts_of_findings(result.verdict.findings, near, now_ns, standing, accounts)
    found += alerts_of_accounts(result.assessment.accounts, rules, near, now_ns, standing)
    found += alerts_of_transfers(result.snapshot.book.transfers, now_ns)
    if rules.unusual is not None:
        now = figures_of(result.snapshot.market.quotes)
        found += unusual(now, teller.figures, rules.unusual, now_ns)
        teller.note("market", figures=now)
    return found


def _layers(newest_s: float, now_ns: int) -> tuple[LayerHealth, ...]:
    from perpbook.runs.treasury_health import Asked as Layers
    from perpbook.runs.treasury_health import last_look, memory_file

    return last_look(Layers(memory=memory_file()), now_ns, newest_s)


async def _tell(teller: Teller, listen: bool) -> tuple[Went, ...]:
    """Hear what was pressed, then send what is due."""
    try:
        for answer in await teller.words(0.0) if listen else ():
            await teller.closed(answer.digest, "no guard was running: nothing was done")
        return tuple(_went(one, sent) for one, sent in await teller.tell())
    finally:
        await teller.close()


def _went(delivery: Delivery, sent: Sent) -> Went:
    from perpbook.alerts.text import title_of

    return Went(channel=delivery.channel, what=delivery.what.value, title=title_of(delivery), ok=sent.ok, why=sent.why)


def try_channels(playbook: Path | None, channel: str | None, now_ns: int) -> tuple[Went, ...]:
    """Send a test message to one channel of a playbook, or to all; what came back."""
    rules = rules_in(playbook)
    if channel is not None and channel not in rules.channels:
        raise InputError(f'"{channel}" is no channel of the playbook: {", ".join(rules.channels)}')
    return asyncio.run(_try([channel] if channel else list(rules.channels), rules, now_ns))


async def _try(names: list[str], rules: Alerts, now_ns: int) -> tuple[Went, ...]:
    from perpbook.alerts.held import Delivery, Part, What
    from perpbook.alerts.text import trial_alert

    out = []
    for name in names:
        part = Part(id="test", episode=0, what=What.NEW, alert=trial_alert(name, now_ns))
        delivery = Delivery(channel=name, what=What.NEW, parts=(part,), silent=False, at_ns=now_ns)
        try:
            channel = _open(name, rules)
        except InputError as error:
            out.append(Went(channel=name, what="new", title="", ok=False, why=str(error)))
            continue
        out.append(_went(delivery, await channel.send(delivery)))
        await channel.close()
    return tuple(out)


def routes(playbook: Path | None) -> tuple[Routed, ...]:
    """What would go where, for every kind there is."""
    from perpbook.alerts.kinds import every_kind
    from perpbook.alerts.routing import routing_of

    routing, out = routing_of(rules_in(playbook)), []
    for kind in every_kind():
        for severity in reversed(kind.severities):
            route = routing.route(kind.name.replace("*", "any"), severity)
            out.append(
                Routed(kind=kind.name, severity=severity.value, mode=route.mode, steps=route.steps, about=kind.about)
            )
    return tuple(out)


def history(journal: str, last: int | None = None) -> tuple[Past, ...]:
    """What a journal says of alerts, oldest first: heard, delivered or not, acknowledged."""
    from perpbook.journal.database import open_journal

    opened = open_journal(journal, create=False)
    try:
        found = [past for number, record in opened.read() if (past := _past(number, record)) is not None]
    finally:
        opened.close()
    return tuple(found[-last:] if last else found)


def _past(number: int, record: Record) -> Past | None:
    body: Mapping[str, object] = record.body
    if record.kind is RecordKind.ALERT and isinstance(body["alert"], Mapping):
        from perpbook.alerts.held import spoken

        alert = body["alert"]
        key = spoken((alert["kind"], alert["account"], alert["symbol"]))
        event = "over" if alert["resolved"] else str(alert["severity"])
        return Past(number=number, at_ns=record.at_ns, event=event, key=key, words=str(alert["sentence"]))
    if record.kind is RecordKind.ACKNOWLEDGED:
        return Past(number=number, at_ns=record.at_ns, event="seen", key=str(body["key"]), words=f"by {body['who']}")
    if record.kind is RecordKind.NOTE and body.get("about") == "delivery" and isinstance(body["parts"], list):
        told = "told" if body["ok"] else "failed"
        keys = ", ".join(part[0].split("#")[0] for part in body["parts"])
        return Past(
            number=number,
            at_ns=record.at_ns,
            event=told,
            key=keys,
            words=f"{body['channel']}: {body['what']}; {body['why']}",
        )
    return None


def acknowledge(journal: str, key: str | None, who: str) -> tuple[str, ...]:
    """Say that a page was seen, or, without a key, every one that waits; their keys in full.

    Raises
    ------
    InputError : nothing of that key waits.
    """
    from perpbook.alerts.routing import routing_of
    from perpbook.alerts.teller import Teller
    from perpbook.journal.database import open_journal

    teller = Teller(routing_of(None), {}, partial(open_journal, journal, create=False))
    keys = (
        [key]
        if key is not None
        else [id_ for id_, one in teller.desk.held.items() if one.is_page and not one.acknowledged]
    )
    return tuple(teller.acknowledge(one, who) for one in keys)
