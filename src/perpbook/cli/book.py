"""`perpbook book`: what you hold, imported from venues' own answers, shown, exported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import Answer, AsJson, reply

app = typer.Typer(help="What you hold: import, show, export.", no_args_is_help=True, rich_markup_mode=None)

File = Annotated[Path, typer.Argument(help="Book file: TOML, JSON or CSV.")]


@app.command("import")
def import_book(
    files: Annotated[list[Path], typer.Argument(help="A venue's saved answer; further ones that belong to it.")],
    format: Annotated[
        str | None, typer.Option("--format", help="Whose answer it is; recognised when left out.")
    ] = None,
    account: Annotated[str | None, typer.Option("--account", help="Name for the account.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Book file to write; printed when left out.")] = None,
    add: Annotated[Path | None, typer.Option("--add", help="Book file whose other accounts are kept.")] = None,
    as_json: AsJson = False,
) -> None:
    """Turn a venue's saved JSON answer into a book file, keeping what the venue itself says of margin and liquidation.

    Formats: hyperliquid, dydx, binance, bybit, okx, deribit, ccxt, csv.
    """

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.runs.book import import_book

        found = import_book(files, format=format, account=account, now_ns=now_ns(), add=add, out=out)
        where = [] if out is None else [f"Wrote {out}: {found.summary}"]
        return Answer(
            data=found.snapshot,
            tell=lambda console: print("\n".join(where or [found.text])),
        )

    reply("book.import/1", as_json, work)


@app.command()
def show(file: File = Path("book.toml"), as_json: AsJson = False) -> None:
    """Show a book as it is understood: accounts, positions, money on layers and on its way."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.book import tell_book
        from perpbook.runs.places import terms_folders
        from perpbook.snapshot import load_snapshot

        found = load_snapshot(file, now_ns=now_ns(), terms_folders=terms_folders())
        return Answer(data=found, tell=lambda console: tell_book(console, found))

    reply("book.show/1", as_json, work)


@app.command()
def export(
    file: File = Path("book.toml"),
    format: Annotated[str, typer.Option("--format", help="toml or json.")] = "toml",
    out: Annotated[Path | None, typer.Option("--out", help="File to write; printed when left out.")] = None,
) -> None:
    """Write a book in the native format, TOML or JSON."""

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.runs.book import export_book

        text = export_book(file, format, out, now_ns())
        said = text if out is None else f"Wrote {out}"
        return Answer(data=None, tell=lambda console: print(said))

    reply("book.export/1", False, work)
