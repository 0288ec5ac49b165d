"""Runs kept in a folder: `run.json` (all it was given and found), `curve.parquet`, `events.parquet`, `page.html`, `told.txt`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.engine.result import BacktestResult

RUN, CURVE, EVENTS, PAGE, TOLD = "run.json", "curve.parquet", "events.parquet", "page.html", "told.txt"


def keep_run(result: BacktestResult, folder: Path) -> None:
    """Write a run into a folder, which is made; a run that is kept there already is replaced only by itself.

    Raises
    ------
    InputError : the folder holds another run, or cannot be written.
    """
    from rich.console import Console

    from perpbook.files.plain import plain
    from perpbook.report.run_frames import curve_frame, events_frame
    from perpbook.report.run_text import backtest_data, tell_backtest
    from perpbook.runs.backtest_page import write_page

    try:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / RUN).is_file() and read_kept(folder).get("result_hash") != result.result_hash:
            raise InputError(f"{folder} keeps another run already: name another folder with --save")
        curve_frame(result.main).write_parquet(folder / CURVE)
        events_frame(result.main).write_parquet(folder / EVENTS)
        write_page(result, folder / PAGE)
        with (folder / TOLD).open("w", encoding="utf-8") as told:
            tell_backtest(Console(file=told, width=100, highlight=False, emoji=False, markup=False), result)
        (folder / RUN).write_text(json.dumps(plain(backtest_data(result)), indent=1), encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: the run cannot be kept there: {error}") from error


def read_kept(folder: Path) -> dict[str, Any]:
    """What `run.json` says.

    Raises
    ------
    InputError : there is no run in the folder, or it cannot be read.
    """
    path = folder / RUN
    if not path.is_file():
        raise InputError(f"{folder} keeps no run: give the folder that `backtest run --save` wrote")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}; run the backtest again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} is not the record of a run; run the backtest again")
    return found


def kept_text(folder: Path) -> str:
    """The tables of a kept run, as it told them."""
    read_kept(folder)
    return (folder / TOLD).read_text(encoding="utf-8").rstrip()


def kept_page(folder: Path, target: Path) -> None:
    """Copy a kept run's page."""
    read_kept(folder)
    try:
        shutil.copyfile(folder / PAGE, target)
    except OSError as error:
        raise InputError(f"{target}: the page cannot be written: {error}") from error
