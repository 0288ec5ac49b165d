"""The program: one typer application, every command in a small module of its own, everything heavy imported late."""

from __future__ import annotations

import os

import typer

from perpbook.cli import (
    alerts,
    backtest,
    book,
    check,
    data,
    drill,
    funding,
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
    whatif,
)
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
app.add_typer(journal.app, name="journal")
app.add_typer(alerts.app, name="alerts")


def main() -> None:
    """Entry point of the `perpbook` script.

    Matrices here are small: threads of linear algebra that wait for a busy core cost ten times the work.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    guarded(app)
