"""`perpbook hedge`: what the book is exposed to, and a hedge that holds in the tail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perpbook.cli import options
from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.playbook_named import Option, Rules, one_playbook

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer(
    help="Hedge the book on real history, where it protects, and see where that fails.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

BookFile = Annotated[Path, typer.Argument(help="Book file.")]
Market = Annotated[Path | None, typer.Option("--market", help="File with newer prices.")]
LakeAt = Annotated[
    Path | None,
    typer.Option("--lake", "--data", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder."),
]
Venue = Annotated[str, typer.Option("--venue", help="Whose past prices.")]
Bar = Annotated[str, typer.Option("--bar", help="Width of a move: 1h, 4h, 1d.")]
Since = Annotated[str | None, typer.Option("--since", help="First time; left out: where all have prices.")]
Until = Annotated[str | None, typer.Option("--until", help="End; left out: where the prices end.")]
Like = Annotated[
    list[str] | None, typer.Option("--like", help="coin=coin whose past stands in where there is none; repeat it.")
]
Draws = Annotated[int, typer.Option("--draws", help="Resamples for intervals of betas, 1000 at least.")]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same intervals.")]


Beta = Annotated[
    str | None,
    typer.Option(
        "--beta",
        help="How betas are estimated: ols, ewma, robust, tail, or none (no asset stands for another). "
        "Left out: the playbook's hedge.beta, else ols.",
    ),
]
Budget = Annotated[
    float | None,
    typer.Option(
        "--tail-budget",
        help="Most that the tail may cost on average, as a share of equity: 0.1. Left out: the playbook's hedge.tail_budget.",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        help="budget (least cost that keeps the tail budget), cvar (least shortfall), variance (least variance), "
        "delta (to none). Left out: budget where there is one, else cvar.",
    ),
]
Against = Annotated[
    str | None,
    typer.Option("--against", help="Coins to hedge with: BTC,ETH. Left out: those two, or each coin's own (delta)."),
]
Horizon = Annotated[
    str | None, typer.Option("--horizon", help="How long it is held, for funding: 1d, 7d. Left out: one move.")
]
Storms = Annotated[
    list[str] | None,
    typer.Option("--storms", help="Go through storms of this kind only: historic, synthetic, incident; repeat it."),
]
Turnover = Annotated[
    float | None, typer.Option("--turnover", help="Dollars that may be traded at most; left out: no limit.")
]
MaxLoss = Annotated[
    float | None,
    typer.Option("--max-loss", help="Most that storms may take with options: 0.25. Left out: what the hedge leaves."),
]
Html = Annotated[Path | None, typer.Option("--html", help="Write the report as one self-contained page.")]


@app.command("plan")
def plan(
    book: BookFile,
    playbook: Rules = None,
    method: Method = None,
    beta: Beta = None,
    tail_budget: Budget = None,
    against: Against = None,
    horizon: Horizon = None,
    tail: Annotated[float, typer.Option("--tail", help="The tail of shortfall: 0.025 is the worst fortieth.")] = 0.025,
    stress: Annotated[
        float, typer.Option("--stress", help="Share of the scenarios' weight with stressed correlation.")
    ] = 0.5,
    turnover: Turnover = None,
    storms: Storms = None,
    chain: options.Chain = None,
    max_loss: MaxLoss = None,
    spread: options.Spread = None,
    depth_share: options.Depth = None,
    allow_options: options.AllowOptions = False,
    market: Market = None,
    venue: Venue = "binance",
    bar: Bar = "1d",
    since: Since = None,
    until: Until = None,
    like: Like = None,
    draws: Draws = 1_000,
    seed: Seed = 0,
    lake: LakeAt = None,
    html: Html = None,
    playbook_option: Option = None,
    as_json: AsJson = False,
) -> None:
    """Find a hedge, put it where it protects, assess the book again with it, and go through every storm with and without it.

    Exit codes: 0 done, 10 the hedge breaks a rule or the tail budget is not kept, 3 a file or an option is wrong, 20 history is
    missing.
    """
    given = locals()
    reply("hedge-plan/1", as_json, lambda: _hedged(given))


@app.command("report")
def report(
    book: BookFile,
    playbook: Rules = None,
    against: Annotated[str | None, typer.Option("--against", help="Coins to weigh against: BTC,ETH.")] = None,
    beta: Beta = None,
    tail_budget: Budget = None,
    write_betas: Annotated[
        Path | None,
        typer.Option("--write-betas", help="Write every asset's beta to BTC as a file for `check --market`."),
    ] = None,
    market: Market = None,
    venue: Venue = "binance",
    bar: Bar = "1d",
    since: Since = None,
    until: Until = None,
    like: Like = None,
    draws: Draws = 1_000,
    seed: Seed = 0,
    lake: LakeAt = None,
    html: Html = None,
    playbook_option: Option = None,
    as_json: AsJson = False,
) -> None:
    """What the book is exposed to, betas four ways, and how its own legs hedge one another in the calm and in the tail.

    Exit codes: 0 done, 10 the tail budget is not kept, 3 a file or an option is wrong, 20 history is missing.
    """
    given = locals() | {
        "method": "report",
        "horizon": None,
        "tail": 0.025,
        "stress": 0.5,
        "turnover": None,
        "storms": None,
    }
    reply("hedge-report/1", as_json, lambda: _hedged(given))


def _hedged(given: dict[str, Any]) -> Answer:
    """A plan or a report as an answer."""
    from perpbook.report.hedge_options_text import beside_document, tell_beside
    from perpbook.report.hedge_text import hedge_document, tell_hedge
    from perpbook.report.progress import progress
    from perpbook.runs.hedge import run_hedge
    from perpbook.runs.hedge_asked import hedge_from
    from perpbook.runs.hedge_options import laid_beside
    from perpbook.runs.hedge_page import write_hedge

    asked = hedge_from(one_playbook(given))
    with progress("Hedge", quiet=given["as_json"]) as tell:
        found = run_hedge(asked, tell)
        laying = laid_beside(found, asked, tell)
    if given["html"] is not None:
        write_hedge(found, given["html"])
    if given.get("write_betas") is not None:
        from perpbook.runs.hedge_betas import write_betas

        write_betas(found, given["write_betas"])

    def told(console: Console) -> None:
        tell_hedge(console, found)
        tell_beside(console, laying)

    return Answer(
        data={**hedge_document(found), **beside_document(laying)},
        tell=told,
        exit_code=BREACH if found.breaks else OK,
    )
