"""Keeping a drill: every future as Parquet, and what was told of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.engine.drilled import Drilled


def keep_drill(drilled: Drilled, folder: Path) -> None:
    """Write `futures.parquet` and `drill.json` into a folder, made when it is not there.

    Raises
    ------
    InputError : the folder cannot be written, or holds another drill.
    """
    from perpbook.report.document import envelope
    from perpbook.report.drill_document import drill_document
    from perpbook.report.drill_frames import futures_frame

    told = folder / "drill.json"
    if told.exists() and f'"{drilled.result_hash}"' not in told.read_text(encoding="utf-8"):
        raise InputError(f"{folder} holds another drill: name another folder, or empty it")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        futures_frame(drilled).write_parquet(folder / "futures.parquet")
        told.write_text(envelope("drill/1", data=drill_document(drilled)) + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the drill cannot be kept there: {error}; name another folder") from error
