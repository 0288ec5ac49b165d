"""`perpbook whatif`: a trade before it is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.playbook_named import Option, Rules, one_of, one_playbook


def whatif(
    trade: Annotated[
        str,
        typer.Argument(
            help='Like "long 0.4 BTC @ hyperliquid 5x", "short $20000 ETH @ binance", "close 50% BTC @ hl-main".'
        ),
    ],
    book: Annotated[Path | None, typer.Argument(help="Book file; book.toml when left out.")] = None,
    playbook: Rules = None,
    market: Annotated[Path | None, typer.Option("--market", help="File with newer prices.")] = None,
    max_size: Annotated[
        bool, typer.Option("--max-size", help="Find the largest size that the venue takes and that breaks no rule.")
    ] = False,
    book_option: Annotated[
        Path | None, typer.Option("--book", hidden=True, help="The book, as it was named before.")
    ] = None,
    playbook_option: Option = None,
    as_json: AsJson = False,
) -> None:
    """Put a trade into the book on paper and judge it: before and after, what breaks, the largest size that does not.

    Exit codes as `check`: 10 when the trade breaks a rule or the venue would refuse it.
    """

    given = locals()

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.whatif import tell_whatif
        from perpbook.runs.places import playbook_beside, terms_folders
        from perpbook.runs.whatif import run_whatif

        file = one_of(book, book_option, "--book", "book") or Path("book.toml")
        rules = one_playbook(given)["playbook"]
        found = run_whatif(
            trade,
            file,
            playbook_beside(file) if rules is None else rules,
            market=market,
            now_ns=now_ns(),
            terms_folders=terms_folders(),
            largest=max_size,
        )
        return Answer(
            data=found.document(),
            tell=lambda console: tell_whatif(console, found.comparison),
            exit_code=OK if found.comparison.is_allowed else BREACH,
        )

    reply("whatif/1", as_json, work)
