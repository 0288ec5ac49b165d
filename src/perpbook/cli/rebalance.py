"""`perpbook rebalance`: the cheapest way of the book's sleeves back into their bands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from perpbook.cli.output import BREACH, OK, Answer, AsJson, reply
from perpbook.cli.playbook_named import Option, Rules, one_playbook

OF_WEIGHTS: dict[str, object] = {
    "sleeve": None, "bar": "1h", "since": None, "until": None, "level": 0.05, "proxy": None, "lake": None, "draws": 1_000,
    "seed": 0,
}  # fmt: skip
"""Options that act on weights alone, and what they are when left out."""


def rebalance(
    book: Annotated[Path, typer.Argument(help="Book file.")] = Path("book.toml"),
    playbook: Rules = None,
    market: Annotated[Path | None, typer.Option("--market", help="File with newer prices.")] = None,
    weights: Annotated[
        str,
        typer.Option("--weights", help="target (the sleeves alone), equal, risk-parity, cvar or cvar-parity."),
    ] = "target",
    sleeve: Annotated[
        str | None, typer.Option("--sleeve", help='Whose positions are weighed; "directional" unless given.')
    ] = None,
    transfers: Annotated[bool, typer.Option("--transfers/--no-transfers", help="May money move?")] = True,
    trades: Annotated[bool, typer.Option("--trades/--no-trades", help="May positions change?")] = True,
    half_spread: Annotated[
        float, typer.Option("--half-spread", help="What a trade loses where no depth is known, of notional.")
    ] = 1e-4,
    bar: Annotated[str, typer.Option("--bar", help="Width of a bar of the history weights stand on.")] = "1h",
    since: Annotated[str | None, typer.Option("--since", help="First time; left out: where all have prices.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="End; left out: where the prices end.")] = None,
    level: Annotated[float, typer.Option("--level", help="The tail: 0.05 is the worst twentieth of bars.")] = 0.05,
    proxy: Annotated[
        list[str] | None, typer.Option("--proxy", help="hyperliquid=binance: borrow that venue's prices; repeatable.")
    ] = None,
    lake: Annotated[
        Path | None, typer.Option("--lake", help="Folder of the lake; $PERPBOOK_DATA_LAKE, or lake in the home folder.")
    ] = None,
    draws: Annotated[int, typer.Option("--draws", help="Resamples for intervals, 1000 at least.")] = 1_000,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same intervals.")] = 0,
    html: Annotated[Path | None, typer.Option("--html", help="Write the plan as one self-contained page.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Write the proposed steps to this JSON file.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write no proposals, --out or not; without --out that is so anyway.")
    ] = False,
    playbook_option: Option = None,
    as_json: AsJson = False,
) -> None:
    """Find the cheapest trades and transfers that bring every sleeve into its band, and assess the book after them.

    Nothing is ever sent: --out writes proposals for whoever carries them out. Exit codes: 0 the book is inside its bands, 10 it
    is not (the answer says what to do), 3 a file or an option is wrong, 20 a price or history is missing.
    """
    given = locals()
    reply("rebalance/1", as_json, lambda: rebalanced(one_playbook(given)))


def rebalanced(given: dict[str, Any]) -> Answer:
    """A rebalance as an answer."""
    from perpbook.engine.clock import now_ns
    from perpbook.report.rebalance_text import proposals_words, rebalance_document, tell_rebalance
    from perpbook.runs.places import playbook_beside, terms_folders
    from perpbook.runs.rebalance import Asked, run_rebalance
    from perpbook.runs.rebalance_write import write_proposals, write_rebalance

    rules = playbook_beside(given["book"]) if given["playbook"] is None else given["playbook"]
    asked = Asked(
        book=given["book"], playbook=rules, market=given["market"], half_spread=given["half_spread"],
        transfers=given["transfers"], trades=given["trades"], weights=_weights(given),
    )  # fmt: skip
    found = run_rebalance(asked, now_ns=now_ns(), terms_folders=terms_folders())
    if given["html"] is not None:
        write_rebalance(found, given["html"])
    if given["out"] is not None and not given["dry_run"]:
        write_proposals(found, given["out"])
    code = OK if found.plan.idle and found.plan.reached else BREACH

    def tell(console: Any) -> None:
        tell_rebalance(console, found.told)
        if (said := proposals_words(found.plan, given["out"], dry=given["dry_run"])) != "":
            console.print(said)

    return Answer(data=rebalance_document(found.told), tell=tell, exit_code=code)


def _weights(given: dict[str, Any]) -> Any:
    """What is asked of weights; None for the sleeves' targets alone."""
    from perpbook.errors import InputError
    from perpbook.runs.asked import mapped
    from perpbook.runs.moments import moment_ns, width_ns
    from perpbook.runs.places import lake_folder
    from perpbook.runs.rebalance_weights import WeightsAsked

    if given["weights"] == "target":
        unused = [f"--{name}" for name, usual in OF_WEIGHTS.items() if (given[name] or None) != (usual or None)]
        if unused:
            are = "is" if len(unused) == 1 else "are"
            raise InputError(
                f"{', '.join(unused)} {are} about weights inside a sleeve: add --weights equal, risk-parity, cvar or cvar-parity"
            )
        return None
    return WeightsAsked(
        scheme=given["weights"], lake=given["lake"] or lake_folder(), sleeve=given["sleeve"], bar_ns=width_ns(given["bar"]),
        since_ns=moment_ns(given["since"], "--since"), until_ns=moment_ns(given["until"], "--until"), level=given["level"],
        proxies=mapped(given["proxy"], "--proxy"), draws=given["draws"], seed=given["seed"],
    )  # fmt: skip
