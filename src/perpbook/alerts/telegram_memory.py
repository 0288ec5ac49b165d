"""What a bot remembers between runs: how far updates were read, and what waits for a press. It holds no secret."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

from perpbook.alerts.callbacks import Ask, Asks
from perpbook.errors import InputError

SCHEMA = "telegram-memory/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """offset : the next update's number."""

    offset: int = 0
    asks: Asks = field(default_factory=Asks)


def load_memory(path: Path) -> Memory:
    """What a file remembers, nothing where there is none.

    Raises
    ------
    InputError : the file is something else.
    """
    if not path.exists():
        return Memory()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        asks = [Ask(**one) for one in found["asks"]]
        whole = found["schema"] == SCHEMA and type(found["offset"]) is int
        whole = whole and all(type(one.user) is int and type(one.expires_ns) is int for one in asks)
        if not whole:
            raise ValueError("another schema")
        return Memory(offset=found["offset"], asks=Asks(open=asks))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"{path} is no memory of a Telegram bot: take it away; what was asked is then denied"
        ) from None


def save_memory(path: Path, memory: Memory) -> None:
    """Write it beside its place first, readable by its owner alone, then move it there."""
    text = json.dumps({"schema": SCHEMA, "offset": memory.offset, "asks": [asdict(one) for one in memory.asks.open]})
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise InputError(f"{path}: what the bot was told cannot be remembered there: {error.strerror}") from None
