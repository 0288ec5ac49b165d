"""What the guard wants done: proposals of legs, bound by one digest to whatever a person approves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from enum import Enum
from typing import Any


class ActionKind(Enum):
    """TRIM makes positions smaller, EXIT closes on a plan, CANCEL takes orders back, TRANSFER is money that a person moves."""

    TRIM = "trim"
    EXIT = "exit"
    CANCEL = "cancel"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the profit ladder: the gain it is at, the highest where several are taken at once; and all that is to be traded
    for it, signed, of which a leg may be a part."""

    gain: float
    quantity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One order's worth of a proposal.

    `quantity` is the change, signed as in `Position`: buy > 0 > sell. `held` is the position it was reckoned from.
    `limit_price`, quote per base: never worse than it. `mid_price` the book's middle it was reckoned from; None: not known.
    `slices` : shares of it that may be done after each slice, rising to 1, one slice every `every_ns`; () for all at once.
    `patience_ns` : how long an order of it rests before it crosses; 0 for not at all.  `step` : of the profit ladder, that
    counts as taken once an order of the leg is written down.
    """

    account: str
    venue: str
    symbol: str
    quantity: float
    held: float
    limit_price: float
    reduce_only: bool = True
    mid_price: float | None = None
    slices: tuple[float, ...] = ()
    every_ns: int = 0
    patience_ns: int = 0
    step: Step | None = None

    @property
    def pace(self) -> str:
        """How fast it goes, in words; "" for all at once."""
        slices, seconds = len(self.slices), self.every_ns * max(len(self.slices) - 1, 0) / 1e9
        told = [f"in {slices} slices over {seconds:.0f} s"] if slices else []
        told += [f"resting {self.patience_ns / 1e9:.0f} s before it crosses"] if self.patience_ns else []
        return ", ".join(told)

    def __post_init__(self) -> None:
        assert self.quantity != 0.0 and self.limit_price > 0.0, "a leg trades something, at a price"
        assert not self.reduce_only or (self.held * self.quantity < 0 and abs(self.quantity) <= abs(self.held)), (
            "a reduce-only leg makes a position smaller and never turns it"
        )
        assert not self.slices or (self.slices[-1] == 1.0 and list(self.slices) == sorted(self.slices)), (
            "slices rise to 1"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskView:
    """A book's risk in a few numbers. `equity` dollars; `effective` leverage, x; `margin_ratio` the worst account's, liquidation
    at 1; `liquidation_move` the smallest joint move that kills an account, fraction, None for none; `broken` rules by key."""

    equity: float
    effective: float
    margin_ratio: float
    liquidation_move: float | None
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What to do about a rule, as one immutable thing that is approved whole or not at all.

    rule : dotted key of the playbook.  reason : a sentence.  cost_max : dollars that fees and slippage may come to.  collar :
    how far a price may have moved since, fraction of it, before nothing is sent.  playbook, terms : digests of what decided it.
    transfer : words of the move for TRANSFER; cancels : client ids for CANCEL.
    """

    kind: ActionKind
    rule: str
    reason: str
    legs: tuple[Leg, ...]
    created_ns: int
    expires_ns: int
    cost_max: float
    collar: float
    before: RiskView
    after: RiskView
    playbook: str
    terms: str
    transfer: str = ""
    cancels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.expires_ns > self.created_ns, "a proposal expires after it was made"

    @property
    def digest(self) -> str:
        """SHA-256 over every field, hex: what an approval is bound to."""
        return digest_of({**_fields_of(self), "kind": self.kind.value})

    @property
    def short(self) -> str:
        """The first twelve letters of the digest, for people."""
        return self.digest[:12]

    @property
    def notional(self) -> float:
        """What its legs trade at their limit prices, in quote."""
        return sum(abs(leg.quantity) * leg.limit_price for leg in self.legs)


def digest_of(value: object) -> str:
    """SHA-256 of a value's canonical JSON (sorted keys, no spaces, shortest floats), hex. NaN and infinities are refused."""
    text = json.dumps(
        value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False, default=_fields_of
    )
    return hashlib.sha256(text.encode()).hexdigest()


def client_id_of(account: str, proposal: str, leg: int, part: int) -> str:
    """An order's own id: 32 hex letters made of what it is for, the same however often it is sent.

    proposal : its digest.  part : the slice of the leg, from 0.
    """
    return digest_of([account, proposal, leg, part])[:32]


def _fields_of(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
