"""`perpbook treasury status`: where everything is, what is under way and when it comes, what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import OK, Answer, AsJson, reply

UNREAD = 30
"""Exit code where something is unread: nothing new may start."""

Book = Annotated[Path, typer.Argument(help="Book file.")]
Rules = Annotated[Path | None, typer.Argument(help="Playbook file; the one beside the book when left out.")]
MarketFile = Annotated[Path | None, typer.Option("--market", help="File with newer prices.")]
Storm = Annotated[
    str | None,
    typer.Option("--storm", help="A storm that begins now; its outages hold money up, its prices do not count."),
]
OwnFacts = Annotated[Path | None, typer.Option("--facts", help="Your own figures: fees, limits, gas, transfers.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same draws.")]
Memory = Annotated[
    Path | None,
    typer.Option(
        "--health", help="Memory of looks at layers (`treasury health --memory`): who stands still has no ways."
    ),
]
Last = Annotated[
    float | None,
    typer.Option("--last", help="With looks of so many seconds at most, older ones are not known; 600."),
]


def state_asked(given: dict[str, Any]) -> Any:
    """What a verb of the treasury asks for, from its options by their names here."""
    from perpbook.runs.places import playbook_beside
    from perpbook.runs.treasury_conditions import look_asked
    from perpbook.runs.treasury_state import StateAsked

    rules = playbook_beside(given["book"]) if given["playbook"] is None else given["playbook"]
    return StateAsked(
        book=given["book"], playbook=rules, market=given["market"], storm=given["storm"], facts=given["facts"],
        look=look_asked(given["health"], given["last"]), seed=given["seed"],
    )  # fmt: skip


def status(
    book: Book = Path("book.toml"),
    playbook: Rules = None,
    market: MarketFile = None,
    storm: Storm = None,
    facts: OwnFacts = None,
    health: Memory = None,
    last: Last = None,
    seed: Seed = 1,
    as_json: AsJson = False,
) -> None:
    """Tell where the book's money is, coin by coin: free, posted as margin, gas, on its way, owed, locked.

    Of what is under way: when it comes, given that it has not come yet, and how likely it is that it is stuck. Exit codes: 0,
    30 something cannot be read and nothing new may start, 3 a file is wrong, 20 a price is missing or stale.
    """

    given = locals()

    def work() -> Answer:
        from perpbook.engine.clock import now_ns
        from perpbook.report.treasury_status_text import status_document, tell_status
        from perpbook.runs.places import terms_folders
        from perpbook.runs.treasury_status import run_status

        found = run_status(state_asked(given), now_ns=now_ns(), terms_folders=terms_folders())
        return Answer(
            data=status_document(found),
            tell=lambda console: tell_status(console, found),
            exit_code=OK if found.may_start else UNREAD,
        )

    reply("treasury-status/1", as_json, work)
