"""Rules that one look at a book cannot judge, because they need to know what was before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perpbook.playbook.figures import listing
from perpbook.playbook.schema import Playbook

OF_A_DAY = ("daily_cap", "daily_cap_asset", "daily_cap_venue", "projected_cap")
OF_A_POSITION = ("flip_after", "expected_max")
"""Keys of `[funding]` that need settlements of the past: those on what a day costs, and those on one position."""


def rules_that_need_history(playbook: Playbook) -> tuple[str, ...]:
    """The dotted keys of the rules in force that a single look leaves unjudged, in the order of the schema."""
    return (*_of_a_run(playbook), *rules_on_rates(playbook))


def rules_on_rates(playbook: Playbook, names: tuple[str, ...] = (*OF_A_DAY, *OF_A_POSITION)) -> tuple[str, ...]:
    """Those of them that settlements of the past would let a check judge."""
    return tuple(_in_force(playbook, "funding", names))


def not_judged(playbook: Playbook, *, rates_asked: bool = False) -> str | None:
    """What a check must say about them; None when there are none. `rates_asked`: rules on rates are spoken of elsewhere."""
    rules = tuple(_of_a_run(playbook)) if rates_asked else rules_that_need_history(playbook)
    if not rules:
        return None
    need = "needs" if len(rules) == 1 else "need"
    return f"not judged by check: {listing(rules)} {need} history, and check sees one instant; a backtest judges them"


def exit_caution(playbook: Playbook) -> Iterator[str]:
    """What a check says of the limit on the time to flat, which a plan of the exit is needed for."""
    if playbook.liquidity is not None and playbook.liquidity.max_exit_minutes is not None:
        yield "not judged by check: liquidity.max_exit_minutes; `perpbook exit plan BOOK PLAYBOOK` judges it"


def hardship_notes(playbook: Playbook | None) -> tuple[str, ...]:
    """What a run says of rules that a look at a book judges, and a run does not."""
    survival, liquidity = (playbook.survival, playbook.liquidity) if playbook else (None, None)
    asked = {
        "survival.funding_flip": survival is not None and survival.funding_flip,
        "survival.depth_loss": survival is not None and survival.depth_loss is not None,
        "liquidity.spread_alert": liquidity is not None and liquidity.spread_alert is not None,
    }
    rules = [name for name, wanted in asked.items() if wanted]
    if not rules:
        return ()
    return (
        f"not judged in a run: {listing(rules)}; funding is paid as it settles, and books are as thin as a storm says: "
        "`perpbook check` and the guard judge them",
    )


def hedge_cautions(playbook: Playbook, held: Mapping[str, float | None]) -> Iterator[str]:
    """What a check says of rules of [hedge] that need past prices. held : the book's beta of every asset held, None for none."""
    hedge = playbook.hedge
    if hedge is None:
        return
    if hedge.tail_budget is not None:
        yield (
            "not judged by check: hedge.tail_budget needs past prices; `perpbook hedge report BOOK PLAYBOOK` judges it"
        )
    if hedge.beta == "none":
        weighted = [asset for asset, beta in held.items() if beta not in (None, 1.0)]
        if weighted:
            yield (
                f"hedge.beta is none, and the book weighs {listing(weighted)} by its own [betas]: remove them, and each asset "
                "counts in its own dollars"
            )
    elif hedge.beta is not None:
        unknown = [asset for asset, beta in held.items() if beta is None and asset != "BTC"]
        if unknown:
            yield (
                f"hedge.beta is {hedge.beta}, and the book gives no beta of {listing(unknown)}, so 1 is taken: `perpbook hedge "
                "report BOOK PLAYBOOK --write-betas FILE` writes them, and `check --market FILE` reads them"
            )


def _of_a_run(playbook: Playbook) -> Iterator[str]:
    if playbook.rebalance is not None:
        yield "rebalance"
    yield from _in_force(playbook, "guardrails", ("daily_drawdown", "weekly_drawdown", "take_profit"))


def _in_force(playbook: Playbook, section: str, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if getattr(getattr(playbook, section), name, None) not in (None, (), {}):
            yield f"{section}.{name}"
