"""What a person looks at again and again: a guard's journal followed record by record, each checked as it is read.

Nothing is believed of a journal that is not whole or not the one that was read before: then the inbox is empty and says why.
"""

from __future__ import annotations

import json
from collections import deque
from threading import Lock

from perpbook.engine.clock import now_ns
from perpbook.errors import BrokenJournal, PerpbookError
from perpbook.guard.case import Case
from perpbook.guard.desk import Desk
from perpbook.journal.chain import START, Link, record_of
from perpbook.journal.places import told
from perpbook.model.record import Record, RecordKind
from perpbook.model.units import to_iso
from perpbook.report.guard_told import AlertTold, InboxTold, IncidentTold, RecordTold, RiskTold
from perpbook.report.journal_text import brief
from perpbook.runs.guard_people import proposal_told, standing
from perpbook.runs.guard_places import GuardPlaces
from perpbook.runs.journal import reading

LAST_RECORDS, LAST_ENDED = 40, 12

AlertKey = tuple[str, str, str]


class Inbox:
    """A guard as its journal has it. `look` may be asked by several threads."""

    def __init__(self, places: GuardPlaces) -> None:
        self.places = places
        self._one_at_a_time = Lock()
        self._noted = (0, START)
        self._begin()

    def _begin(self) -> None:
        self._desk, self._head = Desk(), (0, START)
        self._last: deque[Link] = deque(maxlen=LAST_RECORDS)
        self._sentences: dict[AlertKey, tuple[str, int]] = {}

    def look(self) -> InboxTold:
        """How everything stands now."""
        with self._one_at_a_time:
            try:
                self._follow()
            except PerpbookError as error:
                self._begin()
                return self._told(str(error))
            return self._told("")

    def _follow(self) -> None:
        """Take what was written since.

        Raises
        ------
        BrokenJournal, MissingData : a record is missing or altered, or what was read before is not there any more.
        InputError : there is no journal.
        """
        number, _ = self._head
        with reading(self.places.journal) as journal:
            if journal.head[0] < self._noted[0]:
                raise BrokenJournal(
                    f"the journal ends at record {journal.head[0]}, and {self._noted[0]} were read before: it was cut short"
                )
            for link in journal.links(max(0, number - 1)):
                self._hold_to_what_was_read(link)
                if link.number > number:
                    self._take(link)
        self._noted = self._head

    def _hold_to_what_was_read(self, link: Link) -> None:
        if link.number == self._noted[0] and link.digest != self._noted[1]:
            raise BrokenJournal(
                f"record {link.number} is not what it was when it was read before: this is another journal, or it was rewritten"
            )

    def _take(self, link: Link) -> None:
        record = record_of(link)
        self._desk.apply(record)
        self._head = link.number, link.digest
        self._last.append(link)
        if record.kind is RecordKind.ALERT:
            self._remember(record)

    def _remember(self, record: Record) -> None:
        alert = self._desk.alert
        assert alert is not None, "an alert was just taken"
        key = str(alert["kind"]), str(alert["account"]), str(alert["symbol"])
        self._sentences[key] = str(alert["sentence"]), record.at_ns
        self._sentences = {name: said for name, said in self._sentences.items() if name in self._desk.alerts}

    def _told(self, problem: str) -> InboxTold:
        desk = self._desk
        live = list(desk.live_cases())
        ended = sorted(
            (one for one in desk.cases.values() if not one.phase.is_live), key=lambda one: one.since_ns, reverse=True
        )
        return InboxTold(
            at=to_iso(now_ns()), journal=told(self.places.journal), problem=problem,
            status=standing(self.places, desk, self._head[1]), risk=newest_risk(desk),
            proposals=tuple(proposal_told(one) for one in live),
            ended=tuple(proposal_told(one) for one in ended[:LAST_ENDED]),
            incidents=tuple(
                IncidentTold(key=one.key, account=one.account, why=one.why, at=to_iso(one.at_ns))
                for one in desk.incidents.values()
            ),
            alerts=tuple(self._alert(key, severity) for key, severity in desk.alerts.items()),
            records=tuple(record_told(one) for one in reversed(self._last)),
        )  # fmt: skip

    def _alert(self, key: AlertKey, severity: str) -> AlertTold:
        sentence, at_ns = self._sentences.get(key, ("", 0))
        kind, account, symbol = key
        return AlertTold(
            severity=severity, kind=kind, account=account, symbol=symbol, sentence=sentence, at=to_iso(at_ns)
        )


def newest_risk(desk: Desk) -> RiskTold | None:
    """The risk that the newest proposal was reckoned from; None where none is kept."""
    newest: Case | None = max(desk.cases.values(), key=lambda one: one.proposal.created_ns, default=None)
    if newest is None:
        return None
    risk = newest.proposal.before
    return RiskTold(
        at=to_iso(newest.proposal.created_ns), equity=risk.equity, effective=risk.effective,
        margin_ratio=risk.margin_ratio, liquidation_move=risk.liquidation_move,
    )  # fmt: skip


def record_told(link: Link) -> RecordTold:
    """A record on a line."""
    return RecordTold(
        number=link.number, at=to_iso(link.at_ns), kind=link.kind, body=brief(json.loads(link.body)), digest=link.digest
    )
