"""What a guard was begun with, kept in front of its inputs; and the same guard made of it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from perpbook import __version__
from perpbook.errors import InputError
from perpbook.files.plain import plain
from perpbook.guard.settings import Settings
from perpbook.model.action import digest_of
from perpbook.runs.check import load_all_terms, read_inputs
from perpbook.runs.guard_decide import Judge
from perpbook.runs.guard_settings import settings_of

if TYPE_CHECKING:
    from perpbook.playbook.schema import Playbook


@dataclass(frozen=True, slots=True, kw_only=True)
class Remade:
    """Who decided, and within what."""

    judge: Judge
    settings: Settings


def begun_of(book: Path, playbook: Path | None, settings: Settings) -> dict[str, object]:
    """The files as they are, and the digest of the settings they make."""
    return {
        "book": _file(book),
        "playbook": _file(playbook) if playbook is not None else None,
        "live": settings.arming,
        "settings": settings_digest(settings),
        "version": __version__,
    }


def settings_digest(settings: Settings) -> str:
    """SHA-256 of settings."""
    return digest_of(plain(settings))


def remade(begun: Mapping[str, Any], terms_folders: tuple[Path, ...]) -> Remade:
    """The guard that was begun so.

    Raises
    ------
    InputError : the files make other settings than they did then.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        book = _put(folder, begun["book"])
        playbook = _put(folder, begun["playbook"]) if begun["playbook"] is not None else None
        snapshot, rules = read_inputs(book, playbook, market=None, now_ns=None, terms_folders=terms_folders)
    terms = load_all_terms(snapshot, terms_folders)
    settings = settings_of(snapshot, rules, terms, live=bool(begun["live"]))
    if settings_digest(settings) != begun["settings"]:
        raise InputError(
            f"the book and the playbook that the guard ran with make other settings now: it ran on version {begun['version']}, "
            f"this is {__version__}; or the terms of a venue were changed since ({', '.join(map(str, terms_folders))})"
        )
    return Remade(judge=Judge(base=snapshot, playbook=rules, terms=terms), settings=settings)


def other_playbook(path: Path) -> Playbook:
    """Another playbook, to ask what it would have wanted."""
    from perpbook.playbook.load import load_playbook

    return load_playbook(path)


def _file(path: Path) -> dict[str, object]:
    return {"name": path.name, "text": path.read_text(encoding="utf-8"), "written_ns": path.stat().st_mtime_ns}


def _put(folder: Path, kept: Mapping[str, Any]) -> Path:
    """A file again, under its name and as old as it was: a book without a time is as old as its file."""
    path = folder / Path(str(kept["name"])).name
    path.write_text(str(kept["text"]), encoding="utf-8")
    os.utime(path, ns=(int(kept["written_ns"]), int(kept["written_ns"])))
    return path
