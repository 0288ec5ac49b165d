"""Keeping a drill in a folder, and reading it back: `futures.parquet`, `fan.parquet`, `drill.json` (what was told) and
`kept.json` (what a report needs beside them: facts, notes, the worst futures tick by tick)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.engine.drill import Drill
    from perpbook.engine.drilled import Drilled
    from perpbook.runs.drill_parts import Keeping

TOLD, KEPT, SCHEMA = "drill.json", "kept.json", "drill-kept/2"


def keep_drill(drilled: Drilled, folder: Path) -> None:
    """Write a drill into a folder, made when it is not there; one that is kept there already is replaced only by itself.

    Raises
    ------
    InputError : the folder cannot be written, or holds another drill.
    """
    from perpbook.engine.parts import Part
    from perpbook.report.document import envelope
    from perpbook.report.drill_document import drill_document
    from perpbook.report.drill_frames import FAN, FUTURES, write_part
    from perpbook.runs.drill_parts import clear_parts, plan_hash

    assert drilled.drill is not None, "one read back is kept already"
    refuse_another(folder, drilled.result_hash)
    whole = Part(first=0, under=drilled.under, without=drilled.without, scales=drilled.scales)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_part(whole, drilled.accounts, (folder / FUTURES, folder / FAN))
        (folder / KEPT).write_text(json.dumps(_kept(drilled, whole, plan_hash(drilled.drill))) + "\n", encoding="utf-8")
        (folder / TOLD).write_text(envelope("drill/1", data=drill_document(drilled)) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the drill cannot be kept there: {error}; name another folder") from error
    clear_parts(folder)


def refuse_another(folder: Path, result_hash: str) -> None:
    """Raise InputError when the folder holds a finished drill with another result."""
    told = folder / TOLD
    if told.exists() and f'"{result_hash}"' not in told.read_text(encoding="utf-8"):
        raise InputError(f"{folder} holds another drill: name another folder, or empty it")


def finished_drill(drill: Drill, keeping: Keeping) -> Drilled | None:
    """The drill that a folder keeps whole, when it is this very one and is to be gone on with.

    Raises
    ------
    InputError : the folder keeps another drill.
    """
    from perpbook.runs.drill_parts import plan_hash

    path = keeping.folder / KEPT
    if not path.is_file():
        return None
    try:
        kept = json.loads(path.read_text(encoding="utf-8")).get("plan")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; name another folder") from error
    if kept != plan_hash(drill):
        raise InputError(
            f"{keeping.folder} holds another drill (book, rules, history, storm or options differ): name another folder, or "
            "empty it"
        )
    return read_drill(keeping.folder) if keeping.resume else None


def _kept(drilled: Drilled, whole: Any, plan: str) -> dict[str, Any]:
    from perpbook.files.plain import plain
    from perpbook.report.drill_frames import sides_told
    from perpbook.report.drill_replay import replays_of

    found: dict[str, Any] = plain(
        {
            "schema": SCHEMA,
            "plan": plan,
            "accounts": drilled.accounts,
            "facts": dict(drilled.facts),
            "notes": drilled.notes,
            "not_modelled": drilled.not_modelled,
            "result": drilled.result_hash,
            "sides": sides_told(whole),
            "standard": drilled.standard,
            "replays": replays_of(drilled),
            "rescue": drilled.rescue,
        }
    )
    return found


def read_drill(folder: Path) -> Drilled:
    """A kept drill, as far as a report needs it: nothing is run again.

    Raises
    ------
    InputError : the folder keeps no drill, or one that cannot be read.
    """
    from perpbook.engine.drilled import Drilled
    from perpbook.engine.standard import Standard
    from perpbook.files.rebuild import rebuild
    from perpbook.report.drill_frames import FAN, FUTURES, read_part
    from perpbook.treasury.gaps import RescueGaps

    path = folder / KEPT
    if not path.is_file():
        raise InputError(f"{folder} keeps no drill: give the folder that `drill run --save` or `drill schedule` wrote")
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["schema"] != SCHEMA:
            raise InputError(f"{path} is a {kept['schema']}, which this version does not read: run the drill again")
        accounts = tuple(kept["accounts"])
        whole = read_part((folder / FUTURES, folder / FAN), kept["sides"], accounts)
        return Drilled(
            drill=None,
            accounts=accounts,
            under=whole.under,
            without=whole.without,
            scales=whole.scales,
            facts=kept["facts"],
            notes=tuple(kept["notes"]),
            not_modelled=tuple(kept["not_modelled"]),
            result_hash=kept["result"],
            standard=rebuild(Standard, kept["standard"]) if kept["standard"] else None,
            rescue=rebuild(RescueGaps, kept["rescue"]),
            replays=kept["replays"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read: {error}; run the drill again") from error
