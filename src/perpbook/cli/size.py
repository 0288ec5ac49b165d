"""`perpbook size`: how large the book may be, and the cheapest way there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli import backtest as shared
from perpbook.cli import drill as drills
from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply


def size(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Annotated[
        Path | None, typer.Argument(help="Playbook to drill the trimmed book under; none unless given.")
    ] = None,
    chance: Annotated[
        float | None,
        typer.Option("--chance", help="Share of futures that may lose an account: 0.01 is one in a hundred."),
    ] = None,
    shortfall: Annotated[
        float | None,
        typer.Option("--shortfall", help="Share of equity that the worst 2.5 % of futures may lose on average."),
    ] = None,
    storm: drills.Storm = None,
    paths: drills.Paths = 5_000,
    horizon: drills.Horizon = None,
    step: drills.Step = None,
    kind: drills.Kind = None,
    shock: drills.Shock = 1.0,
    blend: drills.Blend = 0.0,
    nu: drills.Nu = None,
    block: drills.Block = None,
    seed: drills.Seed = 1,
    start: shared.From = None,
    end: shared.To = None,
    proxies: shared.Proxy = None,
    funding: shared.Carry = None,
    lake: shared.LakeAt = None,
    made_up: drills.MadeUp = False,
    threads: drills.Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Find the largest common scale and the cheapest trims at which the book survives, and test both on new futures.

    Exit codes: 0 the book keeps the bounds, 10 it must be smaller, 3 a file or an option is wrong, 20 history is missing.
    """
    given = locals()
    reply("size/1", as_json, lambda: sized(given))


def sized(given: dict[str, Any]) -> Answer:
    """A size as an answer."""
    from perpbook.engine.sized import Bounds
    from perpbook.report.progress import progress
    from perpbook.report.size_text import size_document, tell_size
    from perpbook.runs.drill_asked import drill_from
    from perpbook.runs.size import SizeAsked, size_book

    drill = drill_from(given | {"no_playbook": given["playbook"] is None, "kind": given["kind"] or "bootstrap"})
    asked = SizeAsked(drill=drill, bounds=Bounds(chance=given["chance"], shortfall=given["shortfall"]))
    with progress("Size", quiet=given["as_json"]) as tell:
        found = size_book(asked, tell, threads=given["threads"])
    code = BREACH if found.needed else OK
    return Answer(data=size_document(found), tell=lambda console: tell_size(console, found), exit_code=code)
