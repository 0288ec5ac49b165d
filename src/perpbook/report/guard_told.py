"""What is told of a guard: how it stands, and what it proposes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LegTold:
    """One leg. `quantity` signed as traded, `held` before; `notional` quote at the limit price; `mid_price` the book's middle
    it was reckoned from; `pace` in words, "" at once."""

    account: str
    venue: str
    symbol: str
    quantity: float
    held: float
    limit_price: float
    notional: float
    reduce_only: bool
    mid_price: float | None
    pace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalTold:
    """A proposal as people see it. `expires_in_s` < 0: it has expired. `risk` : before and after by name. `broken` : rules before
    and after, by key. `collar` : fraction of a price. `who`, `channel` : who last said something that counted."""

    digest: str
    phase: str
    kind: str
    rule: str
    reason: str
    legs: tuple[LegTold, ...]
    transfer: str
    cost_max: float
    collar: float
    created: str
    expires: str
    expires_in_s: float
    risk: dict[str, tuple[float | None, float | None]]
    broken: tuple[tuple[str, ...], tuple[str, ...]]
    cancels: tuple[str, ...]
    playbook: str
    terms: str
    who: str
    channel: str
    stopped: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardStatus:
    """How a guard stands. `running` : a process has its accounts. `armed_for_s` 0: not armed."""

    running: bool
    kill: str
    kill_reason: str
    halt_flag: str
    armed_for_s: float
    accounts: dict[str, dict[str, float]]
    waiting: int
    acting: int
    exits: tuple[str, ...]
    incidents: tuple[str, ...]
    alerts: tuple[str, ...]
    records: int
    head: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentTold:
    """What a person must look at. `account` "" for all."""

    key: str
    account: str
    why: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTold:
    """An alert that stands, in the words it was last told in."""

    severity: str
    kind: str
    account: str
    symbol: str
    sentence: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordTold:
    """A record of the journal on a line."""

    number: int
    at: str
    kind: str
    body: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskTold:
    """The book's risk as the newest proposal was reckoned from it. `equity` dollars; the rest as in `RiskView`."""

    at: str
    equity: float
    effective: float
    margin_ratio: float
    liquidation_move: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxTold:
    """Everything a person looks at. `problem` : why the journal cannot be believed or read, and then nothing of it is shown; ""
    where every record was found in its place. `proposals` : that may still come to something, oldest first; `ended` : the last
    ones that did not or did, newest first. `records` : the journal's last, newest first."""

    at: str
    journal: str
    problem: str
    status: GuardStatus
    risk: RiskTold | None
    proposals: tuple[ProposalTold, ...]
    ended: tuple[ProposalTold, ...]
    incidents: tuple[IncidentTold, ...]
    alerts: tuple[AlertTold, ...]
    records: tuple[RecordTold, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flattened:
    """What `halt flatten BOOK` came to. `left` : positions that are still held, by account; {} where all is flat. `empty` :
    accounts that showed nothing where the book holds something, and the journal knew nothing of them."""

    flat: bool
    left: dict[str, dict[str, float]]
    empty: tuple[str, ...]
