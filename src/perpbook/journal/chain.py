"""The chain: every record carries a digest over itself and the digest before it, so that none can be changed, taken or put in.

    digest(n) = SHA-256 of the JSON of [digest(n - 1), n, kind, at_ns, body as text],  digest(0) = 64 zeros

A chain cut short at its end is whole: compare its last digest with one that was noted elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from perpbook.errors import BrokenJournal
from perpbook.model.action import digest_of
from perpbook.model.record import Record, RecordKind

START = "0" * 64
"""What stands before the first record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A record in its place: its number from 1, the digest before it, its own. `body` is the JSON that was written."""

    number: int
    kind: str
    at_ns: int
    body: str
    previous: str
    digest: str


def link(record: Record, number: int, previous: str) -> Link:
    """A record put behind another.

    Raises
    ------
    ValueError, TypeError : a body that JSON cannot keep, NaN and infinities among them.
    """
    body = json.dumps(dict(record.body), sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    digest = _digest(previous, number, record.kind.value, record.at_ns, body)
    return Link(number=number, kind=record.kind.value, at_ns=record.at_ns, body=body, previous=previous, digest=digest)


def record_of(one: Link) -> Record:
    """The record that a link holds."""
    return Record(kind=RecordKind(one.kind), at_ns=one.at_ns, body=json.loads(one.body))


def held_together(links: Iterable[Link], number: int = 0, digest: str = START) -> Iterator[Link]:
    """The same links, each checked against the one before; `number` and `digest` : what they go on from.

    Raises
    ------
    BrokenJournal : at the first that is missing, altered, out of order, or of no known kind.
    """
    for one in links:
        if one.number != number + 1:
            raise BrokenJournal(
                f"record {number + 1} of the journal is missing: record {one.number} comes after {number}"
            )
        if one.previous != digest:
            raise BrokenJournal(
                f"record {one.number} of the journal does not follow record {number}: one was put in or taken out"
            )
        if _digest(one.previous, one.number, one.kind, one.at_ns, one.body) != one.digest:
            raise BrokenJournal(f"record {one.number} of the journal was altered after it was written")
        if one.kind not in KINDS:
            raise BrokenJournal(
                f"record {one.number} is of kind {one.kind!r}, which this version does not know: use a newer one"
            )
        number, digest = one.number, one.digest
        yield one


KINDS = frozenset(kind.value for kind in RecordKind)


def _digest(previous: str, number: int, kind: str, at_ns: int, body: str) -> str:
    """`body` goes in as the text it is: what is kept is what is signed."""
    return digest_of([previous, number, kind, at_ns, body])
