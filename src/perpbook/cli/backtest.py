"""`perpbook backtest`: what would have happened to the accounts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perpbook.cli.output import OK, Answer, AsJson, reply

if TYPE_CHECKING:
    from perpbook.engine.result import BacktestResult

app = typer.Typer(
    help="Put a book, its rules and a strategy through history.", no_args_is_help=True, rich_markup_mode=None
)

STOPPED = 3
From = Annotated[str | None, typer.Option("--from", help="First time, ISO; left out: where the data begins.")]
To = Annotated[str | None, typer.Option("--to", help="End, ISO; left out: where the data ends.")]
Bar = Annotated[str, typer.Option("--bar", help="Width of a bar: 1m, 5m, 15m, 1h, 4h, 1d.")]
Legs = Annotated[list[str] | None, typer.Option("--leg", help="account:symbol that may be traded; repeat it.")]
Named = Annotated[str | None, typer.Option("--strategy", help="hold, trend, breakout, carry, basis, equal_risk.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="option=value of the strategy; repeat it.")]
Targets = Annotated[Path | None, typer.Option("--targets", help="CSV or Parquet file of target exposures.")]
Own = Annotated[str | None, typer.Option("--own", help="Your own strategy: path/to/file.py:function.")]
Every = Annotated[str, typer.Option("--every", help="How often your own strategy is asked: 15m, 1h, 1d.")]
Proxy = Annotated[list[str] | None, typer.Option("--proxy", help="venue=venue whose prices stand in; repeat it.")]
Carry = Annotated[list[str] | None, typer.Option("--funding", help="venue=venue whose funding stands in, or =none.")]
LakeAt = Annotated[Path | None, typer.Option("--lake", help="Folder of the lake; see `perpbook data status`.")]
Accept = Annotated[bool, typer.Option("--accept", help="Run on data with fatal findings.")]
Alone = Annotated[bool, typer.Option("--no-playbook", help="The control run: no rule acts.")]
Latency = Annotated[int, typer.Option("--latency", help="Bars an order waits beyond the next open.")]
Spread = Annotated[float, typer.Option("--half-spread", help="Half the spread, a fraction of price.")]
Impact = Annotated[float, typer.Option("--impact", help="Y of Y x daily volatility x sqrt(notional / daily volume).")]
FeeTier = Annotated[int, typer.Option("--fee-tier", help="Fee tier of the venues, 0 the dearest.")]

Overlay = Annotated[
    Path | None,
    typer.Option("--overlay", help="Options held beside: what `options overlay --json` printed, or legs as TOML."),
]
Chain = Annotated[
    list[Path] | None,
    typer.Option("--chain", help="What prices them: a Parquet table, or Deribit's answers as JSON; repeat it."),
]
ChainAt = Annotated[str | None, typer.Option("--chain-at", help="Moment of a table that holds several.")]
OptionSpread = Annotated[
    float | None,
    typer.Option("--option-spread", help="Options' ask less bid over their mean, where no quote says it: 0.08."),
]
Sticky = Annotated[
    str,
    typer.Option("--sticky", help="delta: the smile travels with the price. strike: each strike keeps its volatility."),
]
VolWithSpot = Annotated[
    float, typer.Option("--vol-with-spot", help="Log rise of 30-day volatility for a log fall of the spot.")
]
Index = Annotated[
    Path | None,
    typer.Option("--volatility-index", help="Parquet of ts, currency, dvol: volatility follows its daily closes."),
]
Roll = Annotated[bool, typer.Option("--roll", help="Buy the same strike over spot and days again when an option ends.")]
PaidFrom = Annotated[
    str | None, typer.Option("--paid-from", help="Account or layer that pays; the one with most stablecoin.")
]
Borrow = Annotated[
    bool, typer.Option("--borrow-smile", help="Allow a chain more than a day from the run's start; the report says so.")
]

Acts = Annotated[
    bool, typer.Option("--treasury", help="A treasurer moves money: accounts near their limits, reserves on layers.")
]
Kept = Annotated[
    list[str] | None,
    typer.Option("--reserve", help="LAYER=DOLLARS to be kept on a layer while no alarm rings; repeat it."),
]
Rings = Annotated[
    float | None, typer.Option("--alarm", help="Margin ratio at which an account is topped up, 1 is liquidation; 0.5.")
]
Calm = Annotated[float | None, typer.Option("--calm", help="Margin ratio it is brought to; half the alarm.")]
Storms = Annotated[
    list[str] | None,
    typer.Option("--storm", help="Incident whose outages hold money, at its own time or NAME@TIME; repeat it."),
]


Rules = Annotated[Path | None, typer.Argument(help="Playbook; the one beside the book when there is one.")]
Seed = Annotated[
    int,
    typer.Option("--seed", help="Part of the result's name; a treasurer's arrivals are drawn by it, nothing else."),
]
Keep = Annotated[Path | None, typer.Option("--save", help="Folder to keep the run in, for compare and report.")]


@app.command("run")
def run(
    book: Annotated[Path, typer.Argument(help="Book file.")],
    playbook: Rules = None,
    start: From = None,
    end: To = None,
    bar: Bar = "1h",
    legs: Legs = None,
    strategy: Named = None,
    options: Set = None,
    targets: Targets = None,
    own: Own = None,
    every: Every = "1d",
    proxies: Proxy = None,
    funding: Carry = None,
    lake: LakeAt = None,
    accept: Accept = False,
    no_playbook: Alone = False,
    latency: Latency = 0,
    half_spread: Spread = 1e-4,
    impact: Impact = 1.0,
    fee_tier: FeeTier = 0,
    overlay: Overlay = None,
    chain: Chain = None,
    chain_at: ChainAt = None,
    option_spread: OptionSpread = None,
    sticky: Sticky = "delta",
    vol_with_spot: VolWithSpot = 0.5,
    volatility_index: Index = None,
    roll: Roll = False,
    paid_from: PaidFrom = None,
    borrow_smile: Borrow = False,
    treasury: Acts = False,
    reserves: Kept = None,
    alarm: Rings = None,
    calm: Calm = None,
    storms: Storms = None,
    seed: Seed = 0,
    html: Annotated[Path | None, typer.Option("--html", help="Write the report as one self-contained page.")] = None,
    save: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Run a backtest: funding, tiers, cross margin and liquidation inside every bar, with and without the playbook.

    Exit codes: 0 done, 3 a file, an option or your strategy is wrong (a run that stopped keeps what it had), 20 history is
    missing or unfit.
    """
    given = locals()
    reply("backtest/1", as_json, lambda: ran(given))


def ran(given: dict[str, Any]) -> Answer:
    """A backtest that options ask for, as an answer."""
    from perpbook.report.progress import progress
    from perpbook.runs.asked import asked_from
    from perpbook.runs.backtest import run_backtest

    asked = asked_from(given)
    with progress("Backtest", quiet=given["as_json"]) as step:
        result = run_backtest(asked, step)
    return answer(result, given["html"], given["save"])


def answer(result: BacktestResult, html: Path | None, save: Path | None) -> Answer:
    """A backtest as an answer: data, tables, files, exit code."""
    from perpbook.report.run_text import backtest_data, tell_backtest
    from perpbook.runs.backtest_keep import keep_run
    from perpbook.runs.backtest_page import write_page

    if save is not None:
        keep_run(result, save)
    if html is not None:
        write_page(result, html)

    def tell(console: object) -> None:
        from rich.console import Console

        assert isinstance(console, Console)
        tell_backtest(console, result)
        for name, path in (("Report", html), ("Kept in", save)):
            if path is not None:
                console.print(f"{name}: {path}")

    return Answer(data=backtest_data(result), tell=tell, exit_code=STOPPED if result.main.stopped else OK)


@app.command("compare")
def compare(
    one: Annotated[Path, typer.Argument(help="Folder of a kept run.")],
    other: Annotated[Path, typer.Argument(help="Folder of another over the same bars.")],
    draws: Annotated[int, typer.Option("--draws", help="Bootstrap draws.")] = 2000,
    block: Annotated[str, typer.Option("--block", help="Length of a bootstrap block: 1d, 4h, ...")] = "1d",
    seed: Annotated[int, typer.Option("--seed", help="Of the bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Compare two kept runs bar by bar: paired differences with block-bootstrap intervals."""

    def work() -> Answer:
        from perpbook.report.backtest_compare import tell_differences
        from perpbook.runs.backtest_compare import compare_runs
        from perpbook.runs.moments import length_ns

        found = compare_runs(one, other, draws=draws, block_ns=length_ns(block), seed=seed)

        def tell(console: object) -> None:
            from rich.console import Console

            assert isinstance(console, Console)
            console.print(
                f"{found.start} to {found.end}, {found.bars:,} bars; {found.draws:,} draws of {found.block_bars} bars"
            )
            tell_differences(console, (one.name, other.name), found.differences)

        return Answer(data=found, tell=tell)

    reply("backtest.compare/1", as_json, work)


@app.command("report")
def report(
    kept: Annotated[Path, typer.Argument(help="Folder of a kept run.")],
    html: Annotated[Path | None, typer.Option("--html", help="Copy its page here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell a kept run again."""

    def work() -> Answer:
        from perpbook.runs.backtest_keep import kept_page, kept_text, read_kept

        data = read_kept(kept)
        if html is not None:
            kept_page(kept, html)
        return Answer(data=data, tell=lambda console: console.print(kept_text(kept)))

    reply("backtest/1", as_json, work)
