"""`perpbook options`: a chain and its smile, and options laid over a book."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli import backtest as shared
from perpbook.cli import drill as drills
from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.playbook_named import Option, Rules, one_playbook

app = typer.Typer(
    help="Options: a chain and its smile, and the cheapest overlay that keeps storms within a limit.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

At = Annotated[
    str | None, typer.Option("--at", help="Moment of a table that holds several; the last at or before it, or of all.")
]
Lots = Annotated[
    list[str] | None,
    typer.Option("--lot", help="BTC=0.1: least trade in coins, where the files do not say it; repeat it."),
]


Storms = Annotated[
    list[str] | None, typer.Option("--storm", help="Only these storms, by name or expression; repeat it.")
]
Kinds = Annotated[
    list[str] | None, typer.Option("--kind", help="Storms of these kinds; usually historic, synthetic and grid.")
]
Structures = Annotated[
    list[str] | None, typer.Option("--structure", help="puts, spreads, collars; usually all three, side by side.")
]
Least = Annotated[
    str,
    typer.Option("--least", help="outlay (premium and fees), or hold (what holding it in a still market loses)."),
]
Spread = Annotated[
    float | None, typer.Option("--spread", help="Ask less bid over their mean, where the chain has neither: 0.08.")
]
Depth = Annotated[
    float | None,
    typer.Option("--depth-share", help="Share of open interest that can be had, where no sizes are: 0.05."),
]
Cover = Annotated[
    float | None,
    typer.Option("--cover", help="Most coins of options bought, over the coins the book holds; no limit."),
]
Hold = Annotated[float, typer.Option("--hold", help="Days it is held.")]
MinDays = Annotated[float, typer.Option("--min-days", help="Least days to an option's expiry.")]
MaxDays = Annotated[float, typer.Option("--max-days", help="Most days to an option's expiry.")]
Sticky = Annotated[
    str,
    typer.Option("--sticky", help="delta: the smile travels with the price. strike: each strike keeps its volatility."),
]
Paths = Annotated[
    int, typer.Option("--paths", help="Futures to put the best overlay through, by a drill; 0 for none.", min=0)
]
Futures = Annotated[
    str, typer.Option("--futures", help="Kind of those futures: bootstrap, filtered, copula, student, normal.")
]
WithRules = Annotated[
    bool, typer.Option("--with-rules", help="Those futures under the playbook too, whose rules see the overlay.")
]
Chain = Annotated[
    list[Path] | None, typer.Option("--chain", help="A Parquet table, or Deribit's answers as JSON; repeat it.")
]
AllowOptions = Annotated[
    bool, typer.Option("--allow-options", help="Even where the playbook says hedge.options = false.")
]
Html = Annotated[Path | None, typer.Option("--html", help="Write the report as one self-contained page.")]
VolWithSpot = Annotated[
    float, typer.Option("--vol-with-spot", help="Log rise of 30-day volatility for a log fall of the spot.")
]


@app.command("chain")
def chain(
    files: Annotated[list[Path], typer.Argument(help="A Parquet table, or Deribit's answers as JSON.")],
    coin: Annotated[str | None, typer.Option("--coin", help="BTC, ETH; needed where the files have several.")] = None,
    expiry: Annotated[
        str | None, typer.Option("--expiry", help="One expiry strike by strike, by its day: 2026-09-25.")
    ] = None,
    at: At = None,
    lots: Lots = None,
    as_json: AsJson = False,
) -> None:
    """Read a chain, fit a smile without arbitrage to every expiry, and tell how well it fits.

    Exit codes: 0 done, 3 a file or an option is wrong.
    """

    def work() -> Answer:
        from perpbook.kernels import jit

        jit.prefer_plain()
        from perpbook.report.options_text import chain_document, expiry_of, tell_chain
        from perpbook.runs.moments import moment_ns
        from perpbook.runs.options import chart, lots_from, read_chain

        found = read_chain(files, coin, at_ns=moment_ns(at, "--at"), lots=lots_from(lots))
        if expiry is not None:
            expiry_of(found, expiry)
        surface = chart(found)
        return Answer(
            data=chain_document(found, surface, expiry),
            tell=lambda console: tell_chain(console, found, surface, expiry),
        )

    reply("options-chain/1", as_json, work)


@app.command("overlay")
def overlay(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    max_loss: Annotated[
        float, typer.Option("--max-loss", help="Most that any storm may take, as a share of the book's equity: 0.25.")
    ],
    playbook: Rules = None,
    chain: Chain = None,
    allow_options: AllowOptions = False,
    storms: Storms = None,
    kinds: Kinds = None,
    structures: Structures = None,
    least: Least = "outlay",
    spread: Spread = None,
    depth_share: Depth = None,
    cover: Cover = None,
    hold: Hold = 30.0,
    min_days: MinDays = 30.0,
    max_days: MaxDays = 400.0,
    sticky: Sticky = "delta",
    vol_with_spot: VolWithSpot = 0.5,
    at: At = None,
    lots: Lots = None,
    paths: Paths = 0,
    futures: Futures = "bootstrap",
    horizon: drills.Horizon = None,
    step: drills.Step = None,
    seed: drills.Seed = 1,
    lake: shared.LakeAt = None,
    made_up: drills.MadeUp = False,
    with_rules: WithRules = False,
    html: Html = None,
    playbook_option: Option = None,
    as_json: AsJson = False,
) -> None:
    """Choose puts, put spreads or collars that keep the book's loss in its storms within a limit at least cost, beside holding
    less.

    Exit codes: 0 the book keeps the limit or an overlay does, 10 none does (the least bad one is shown), 3 a file or an option is
    wrong, 20 a price is missing.
    """
    given = locals()
    reply("options-overlay/1", as_json, lambda: laid(one_playbook(given)))


def laid(given: dict[str, Any]) -> Answer:
    """An overlay as an answer."""
    from perpbook.kernels import jit

    jit.prefer_plain()
    from perpbook.report.overlay_text import overlay_document, tell_overlay
    from perpbook.report.progress import progress
    from perpbook.runs.overlay import lay_overlay
    from perpbook.runs.overlay_asked import overlay_from

    asked = overlay_from(given)
    with progress("Overlay", quiet=given["as_json"]) as tell:
        found = lay_overlay(asked, tell)
    if given["html"] is not None:
        from perpbook.runs.drill_page import write_overlay

        write_overlay(found, given["html"])
    missed = bool(found.chosen) and found.chosen[0].short_by > 0.0
    return Answer(
        data=overlay_document(found),
        tell=lambda console: tell_overlay(console, found),
        exit_code=BREACH if missed else OK,
    )
