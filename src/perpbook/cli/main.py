"""The program: one typer application, every command in a small module of its own, everything heavy imported late."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

import typer

from perpbook.cli import (
    alerts,
    approvals,
    backtest,
    book,
    check,
    data,
    drill,
    exit,
    funding,
    guard,
    halt,
    hedge,
    journal,
    offsets,
    options,
    playbook,
    rebalance,
    size,
    start,
    sweep,
    tails,
    terms,
    treasury,
    venue_sim,
    web,
    whatif,
)
from perpbook.cli.narrow import narrowed, nothing
from perpbook.cli.output import guarded

app = typer.Typer(
    name="perpbook",
    help="Write your rules for perpetual futures once: check the book against them, size it, and know where it dies.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
start.register(app)
app.command()(check.check)
app.command()(whatif.whatif)
app.command()(size.size)
app.command()(rebalance.rebalance)
app.command()(tails.tails)
app.add_typer(playbook.app, name="playbook")
app.add_typer(book.app, name="book")
app.add_typer(terms.app, name="terms")
app.add_typer(data.app, name="data")
app.add_typer(backtest.app, name="backtest")
app.add_typer(sweep.app, name="sweep")
app.add_typer(drill.app, name="drill")
app.add_typer(funding.app, name="funding")
funding.app.command("offset")(offsets.offset)
funding.app.command("scan")(offsets.scan)
hedge.app.command("options")(options.overlay)
app.add_typer(hedge.app, name="hedge")
app.add_typer(options.app, name="options")
app.add_typer(treasury.app, name="treasury")
app.add_typer(guard.app, name="guard")
app.add_typer(approvals.app, name="approvals")
app.command()(halt.halt)
app.command()(web.web)
app.command("venue-sim")(venue_sim.venue_sim)
app.add_typer(exit.app, name="exit")
app.add_typer(journal.app, name="journal")
app.add_typer(alerts.app, name="alerts")


YOUNG = 100_000
"""Objects that a program makes before they are looked through for garbage."""


def asked_of(words: Sequence[str]) -> typer.Typer:
    """The program with only what `words` ask for laid out."""
    asked = narrowed(app, words)
    if len(asked.registered_commands) + len(asked.registered_groups) == 1:
        asked.callback()(nothing)
    return asked


def main() -> None:
    """Entry point of the `perpbook` script.

    Matrices here are small: threads of linear algebra that wait for a busy core cost ten times the work. The models here know no
    plugins, and to look for some reads every installed package's list of entry points. What is imported stays: to look
    through it for garbage again and again is a seventh of a check, and once more at the end, when all of it goes, another.
    """
    gc.set_threshold(YOUNG)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        guarded(asked_of(sys.argv[1:]))
    finally:
        gc.freeze()
