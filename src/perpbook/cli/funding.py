"""`perpbook funding`: what a book pays for being held, has paid, and is expected to pay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import Answer, AsJson, reply


class DeskUnlessNamed(typer.core.TyperGroup):
    """`funding BOOK` is `funding desk BOOK`: a first word that is no command of the group is a book."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command of the first word."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["desk", *args]
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Options without a book, but --help, are the desk's: `funding --window 30d` is about book.toml."""
        if args and args[0].startswith("-") and args[0] not in ctx.help_option_names:
            args = ["desk", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=DeskUnlessNamed,
    no_args_is_help=True,
    help="What funding costs, what it will cost, and how surely that is known.",
)

LakeAt = Annotated[
    Path | None,
    typer.Option("--data", "--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder."),
]
Window = Annotated[
    str, typer.Option("--window", help="Days back that what was paid is told over, with commas: 30d, or 1d,7d,90d.")
]
Level = Annotated[float, typer.Option("--level", help="How often an interval is meant to hold: 0.9 is nine in ten.")]


@app.command("desk")
def desk(
    book: Annotated[Path, typer.Argument(help="Book file: TOML, JSON or CSV.")] = Path("book.toml"),
    playbook: Annotated[
        Path | None,
        typer.Argument(help="Playbook whose sleeves are told; playbook.toml beside the book when there is one."),
    ] = None,
    window: Window = "1d,7d,30d,365d",
    horizon: Annotated[str, typer.Option("--horizon", help="How far ahead: 8h, 1d, 7d, 30d.")] = "7d",
    level: Level = 0.9,
    model: Annotated[
        str | None,
        typer.Option("--model", help="A model's name; left out: the one that has forecast the contract best."),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="As of this time; left out: the time of the book's prices.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed draws the same futures of the premium.")] = 0,
    html: Annotated[Path | None, typer.Option("--html", help="Write the desk as one self-contained page.")] = None,
    lake: LakeAt = None,
    as_json: AsJson = False,
) -> None:
    """Tell what each position pays now, what is expected with an interval, and what it would have paid; `funding BOOK` for short.

    Exit codes: 0 told, 3 a file or an option is wrong, 20 the lake has no funding of any position.
    """

    def work() -> Answer:
        from perpbook.kernels.jit import prefer_plain
        from perpbook.report.funding import tell_desk
        from perpbook.report.progress import progress
        from perpbook.runs.funding import DeskAsked, run_desk, write_page
        from perpbook.runs.moments import days_of, length_ns, moment_ns
        from perpbook.runs.places import lake_folder, playbook_beside, terms_folders

        prefer_plain()
        asked = DeskAsked(
            book=book, playbook=playbook_beside(book) if playbook is None else playbook, horizon_ns=length_ns(horizon),
            level=level, model=model, at_ns=moment_ns(at, "--at"), seed=seed, fan=html is not None, terms_folders=terms_folders(),
            windows=days_of(window, "--window"),
        )  # fmt: skip
        with progress("Funding", quiet=as_json) as step:
            found = run_desk(lake or lake_folder(), asked, step)
        if html is not None:
            write_page(found, html)
        return Answer(data=found, tell=lambda console: tell_desk(console, found))

    reply("funding/1", as_json, work)


@app.command("scores")
def scores(
    coins: Annotated[
        list[str] | None, typer.Argument(help="Coins (BTC) or BASE-QUOTE; left out: all of a year of funding or more.")
    ] = None,
    venue: Annotated[
        list[str] | None, typer.Option("--venue", help="Whose funding; repeatable; left out: all.")
    ] = None,
    horizons: Annotated[str, typer.Option("--horizons", help="With commas: 8h,1d,7d.")] = "8h,1d,7d",
    level: Level = 0.9,
    lake: LakeAt = None,
    as_json: AsJson = False,
) -> None:
    """Score every model's forecasts on the lake's funding, walking forward, beside the last value; and how intervals held."""

    def work() -> Answer:
        from perpbook.kernels.jit import prefer_plain
        from perpbook.report.funding import tell_scores
        from perpbook.report.progress import progress
        from perpbook.runs.funding import ScoresAsked, run_scores
        from perpbook.runs.moments import length_ns
        from perpbook.runs.places import lake_folder

        prefer_plain()
        asked = ScoresAsked(
            symbols=tuple(coins or ()), venues=tuple(venue or ()),
            horizons_ns=tuple(length_ns(word) for word in horizons.split(",")), level=level,
        )  # fmt: skip
        with progress("Walking", quiet=as_json) as step:
            found = run_scores(lake or lake_folder(), asked, step)
        return Answer(data=found, tell=lambda console: tell_scores(console, found))

    reply("funding-scores/1", as_json, work)


@app.command("paid")
def paid(
    run: Annotated[Path, typer.Argument(help="Folder that `backtest run --save` wrote.")],
    book: Annotated[Path, typer.Argument(help="The book the run began with.")],
    playbook: Annotated[Path | None, typer.Argument(help="Playbook whose sleeves are told; none unless given.")] = None,
    window: Window = "1d,7d,30d,365d",
    as_json: AsJson = False,
) -> None:
    """Tell what funding paid and received in a kept backtest: by position, asset, venue and sleeve, and its drag."""

    def work() -> Answer:
        from perpbook.report.funding import tell_paid
        from perpbook.runs.funding_paid import run_paid
        from perpbook.runs.moments import days_of
        from perpbook.runs.places import terms_folders

        found = run_paid(run, book, playbook, terms_folders(), days_of(window, "--window"))
        return Answer(data=found, tell=lambda console: tell_paid(console, found))

    reply("funding-paid/1", as_json, work)


@app.command("next")
def following(
    venue: Annotated[str, typer.Argument(help="The venue: binance or hyperliquid.")],
    samples: Annotated[
        Path, typer.Argument(help="CSV file: time, and premium (a fraction) or impact_bid, impact_ask, index.")
    ],
    every: Annotated[
        str | None, typer.Option("--every", help="Time between settlements; left out: the venue's.")
    ] = None,
    interest: Annotated[
        float | None, typer.Option("--interest", help="The contract's interest for 8 hours; left out: the venue's.")
    ] = None,
    swing: Annotated[
        float, typer.Option("--swing", help="How far off the premium may stand for the rest: the range told.")
    ] = 0.0005,
    as_json: AsJson = False,
) -> None:
    """Tell the coming settlement from the premium samples of its interval so far, by the venue's own average and clamp."""

    def work() -> Answer:
        from perpbook.report.funding import tell_next
        from perpbook.runs.funding_next import NextAsked, run_next
        from perpbook.runs.moments import length_ns
        from perpbook.runs.places import terms_folders

        asked = NextAsked(
            venue=venue, samples=samples, every_ns=None if every is None else length_ns(every), interest=interest,
            swing=swing,
        )  # fmt: skip
        found = run_next(asked, terms_folders())
        return Answer(data=found, tell=lambda console: tell_next(console, found))

    reply("funding-next/1", as_json, work)
