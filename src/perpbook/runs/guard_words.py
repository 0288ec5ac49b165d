"""What a person says to a running guard: one small file a word in a folder of theirs, taken by the guard in order.

A file is whole or not there. It is moved aside when it is taken and removed some seconds later, when the journal has it: a guard
that dies in between takes it again, and a word that was taken twice changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from perpbook.errors import InputError
from perpbook.files.rebuild import rebuild
from perpbook.model.message import Acknowledge, Adopt, Answered, Arm, ExitWord, FromPeople, Kill, KillLevel
from perpbook.model.units import SECOND_NS

LOOK_S = 0.1
KEPT_NS = 5 * SECOND_NS
LONGEST = 65_536
"""Bytes; no word is longer."""

WORDS: dict[str, type[Any]] = {one.__name__.lower(): one for one in (Answered, Kill, Arm, Adopt, Acknowledge, ExitWord)}


def say(folder: Path, word: FromPeople) -> Path:
    """Leave a word for the guard that has this folder; where it lies."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    body = {"word": type(word).__name__.lower(), **plain_word(word)}
    name = f"{word.received_ns:020d}-{os.getpid()}"
    beside, path = folder / f"{name}.new", folder / f"{name}.word"
    with beside.open("x", encoding="utf-8") as file:
        json.dump(body, file)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    return path


def plain_word(word: FromPeople) -> dict[str, Any]:
    """A word as JSON keeps it."""
    body = asdict(word)
    return {**body, "level": int(body["level"])} if isinstance(word, Kill) else body


def read_word(path: Path) -> FromPeople:
    """The word in a file.

    Raises
    ------
    InputError : it holds none.
    """
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError("too long")
        body = json.loads(path.read_text(encoding="utf-8"))
        kind = WORDS[body.pop("word")]
        if kind is Kill:
            body["level"] = KillLevel(body["level"])
            return Kill(**body)
        word: FromPeople = rebuild(kind, body)
        return word
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path.name} holds no word for the guard ({type(error).__name__})") from None


async def spoken(folder: Path, clock: Callable[[], int]) -> AsyncIterator[FromPeople]:
    """Words as they come, for ever, first those that were taken and not yet removed. What is no word is put aside as .refused."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    taken: dict[Path, int] = {}
    for path in sorted(folder.glob("*.taken")):
        path.replace(path.with_suffix(".word"))
    while True:
        for word in _new(folder, taken, clock):
            yield word
        for path in [one for one, at in taken.items() if clock() - at > KEPT_NS]:
            path.unlink(missing_ok=True)
            del taken[path]
        await asyncio.sleep(LOOK_S)


def _new(folder: Path, taken: dict[Path, int], clock: Callable[[], int]) -> Iterator[FromPeople]:
    for path in sorted(folder.glob("*.word")):
        aside = path.with_suffix(".taken")
        try:
            word = read_word(path)
        except InputError:
            path.replace(path.with_suffix(".refused"))
            continue
        path.replace(aside)
        taken[aside] = clock()
        yield replace(word, received_ns=clock())
