"""`perpbook funding offset` and `funding scan`: what to do about funding, and carry to be had."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perpbook.cli.funding import LakeAt, Level
from perpbook.cli.output import Answer, AsJson, reply

if TYPE_CHECKING:
    from perpbook.runs.offsets import OffsetsAsked

Book = Annotated[Path, typer.Argument(help="Book file: TOML, JSON or CSV.")]
Horizon = Annotated[str, typer.Option("--horizon", help="How far ahead: 1d, 7d, 30d.")]
Model = Annotated[str | None, typer.Option("--model", help="A model's name; left out: the best of each contract.")]
At = Annotated[str | None, typer.Option("--at", help="As of this time; left out: the time of the book's prices.")]
Spread = Annotated[float, typer.Option("--half-spread", help="Half the spread where the book gives no depth.")]
Dated = Annotated[Path | None, typer.Option("--dated", help="CSV file of quotes of futures that expire.")]
SpotSpread = Annotated[float, typer.Option("--spot-spread", help="Half the spread of coins, a fraction.")]
SpotFee = Annotated[float, typer.Option("--spot-fee", help="Fee of buying coins, a fraction.")]


def offset(
    position: Annotated[
        str | None,
        typer.Argument(help='A position: BTCUSDT, BTC, "BTC @ hl-main". Left out: every one that is expected to pay.'),
    ] = None,
    book: Annotated[Path, typer.Option("--book", help="Book file: TOML, JSON or CSV.")] = Path("book.toml"),
    horizon: Horizon = "14d",
    part: Annotated[float, typer.Option("--part", help="Part of a position that partial ways are for.")] = 0.5,
    least: Annotated[float, typer.Option("--least", help="Dollars over the horizon that are worth a plan.")] = 0.0,
    level: Level = 0.9,
    model: Model = None,
    at: At = None,
    half_spread: Spread = 1e-4,
    spot_fee: SpotFee = 1e-3,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write ways, break-evens and carry as one self-contained page.")
    ] = None,
    spot_spread: SpotSpread = 1e-4,
    dated: Dated = None,
    lake: LakeAt = None,
    as_json: AsJson = False,
) -> None:
    """Rank the ways to stop what positions pay: elsewhere, as coins, dated, hedged, smaller; each tried on the book.

    Exit codes: 0 told, 3 a file or an option is wrong, 20 a price is missing, or the lake has no funding of the book's assets.
    """
    given = locals()
    from perpbook.report.offsets_text import tell_offsets
    from perpbook.runs.offsets import run_offsets

    answer("offsets/1", "Offsets", given, run_offsets, tell_offsets)


def scan(
    book: Book = Path("book.toml"),
    size: Annotated[
        float | None, typer.Option("--size", help="Dollars a leg; left out: a tenth of the book's equity.")
    ] = None,
    horizon: Horizon = "14d",
    level: Level = 0.9,
    model: Model = None,
    at: At = None,
    half_spread: Spread = 1e-4,
    spot_fee: SpotFee = 1e-3,
    spot_spread: SpotSpread = 1e-4,
    dated: Dated = None,
    most_lost: Annotated[
        float, typer.Option("--most-lost", help="Mean fraction of price that a leg may lose to depth.")
    ] = 1e-3,
    depth_share: Annotated[
        float | None,
        typer.Option("--depth-share", help="Share of what rests that a leg may take; left out: the playbook's."),
    ] = None,
    lake: LakeAt = None,
    as_json: AsJson = False,
) -> None:
    """Rank carry between the book's accounts, net of all costs, with the margin of both legs at moves of 15 % either way.

    Exit codes: 0 told, 3 a file or an option is wrong, 20 a price is missing, or the lake has no funding of the book's assets.
    """
    given = locals()
    from perpbook.report.offsets_text import tell_scan
    from perpbook.runs.offsets import run_scan

    answer("carry-scan/1", "Scan", given, run_scan, tell_scan)


def answer(schema: str, title: str, given: dict[str, Any], run: Callable[..., Any], tell: Callable[..., None]) -> None:
    """Ask with the options of either verb, and tell or print what is found."""

    def work() -> Answer:
        from perpbook.report.progress import progress
        from perpbook.runs.offsets import write_offsets
        from perpbook.runs.places import lake_folder

        asked = asked_from(given)
        with progress(title, quiet=given["as_json"]) as step:
            found = run(given["lake"] or lake_folder(), asked, step)
        if given.get("html") is not None:
            write_offsets(found, given["html"])
        return Answer(data=found, tell=lambda console: tell(console, found))

    reply(schema, given["as_json"], work)


def asked_from(given: dict[str, Any]) -> OffsetsAsked:
    """Options of either verb as one question."""
    from perpbook.kernels.jit import prefer_compiled
    from perpbook.runs.moments import length_ns, moment_ns
    from perpbook.runs.offsets import OffsetsAsked
    from perpbook.runs.places import terms_folders

    prefer_compiled()
    return OffsetsAsked(
        book=given["book"], horizon_ns=length_ns(given["horizon"]), level=given["level"], model=given["model"],
        at_ns=moment_ns(given["at"], "--at"), only=given.get("position"), least=given.get("least", 0.0),
        part=given.get("part", 0.5), dollars=given.get("size"), half_spread=given["half_spread"],
        spot_fee=given["spot_fee"], spot_spread=given["spot_spread"], dated=given["dated"],
        loss=given.get("most_lost", 1e-3), depth_share=given.get("depth_share"), terms_folders=terms_folders(),
    )  # fmt: skip
