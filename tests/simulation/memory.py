"""A journal in memory, with the port of a real one: what goes in is JSON text, so nothing of the writer's is shared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

from perpbook.model.record import Record, RecordKind


class MemoryJournal:
    """Records as text. `digest` : of all of them so far."""

    def __init__(self) -> None:
        self._lines: list[tuple[RecordKind, int, str]] = []
        self._hash = hashlib.sha256()

    def append(self, record: Record) -> int:
        """Keep a record; its number, from 1."""
        body = json.dumps(record.body, separators=(",", ":"), allow_nan=False, sort_keys=True)
        self._lines.append((record.kind, record.at_ns, body))
        self._hash.update(f"{record.kind.value} {record.at_ns} {body}\n".encode())
        return len(self._lines)

    def read(self, after: int = 0) -> Iterator[tuple[int, Record]]:
        """Records after a number, in order."""
        for number in range(after, len(self._lines)):
            kind, at_ns, body = self._lines[number]
            yield number + 1, Record(kind=kind, at_ns=at_ns, body=json.loads(body))

    @property
    def digest(self) -> str:
        """SHA-256 over every record, hex."""
        return self._hash.hexdigest()
