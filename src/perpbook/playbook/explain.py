"""A playbook in plain English: one sentence a rule, in the order of the schema."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from perpbook.playbook.drilling import drill_sentences
from perpbook.playbook.figures import listing, multiple, percent, plain, quoted
from perpbook.playbook.schema import (
    RESERVE,
    Data,
    Guardrails,
    Layers,
    LeverageCaps,
    Liquidity,
    Margin,
    Playbook,
    Shares,
    Sleeve,
    Survival,
)
from perpbook.playbook.tell_acting import automation_sentences
from perpbook.playbook.tell_alerts import alert_sentences
from perpbook.playbook.tell_exit import exit_sentences, exit_time_sentence
from perpbook.playbook.tell_money import TOP_UPS, layer_sentences, loss_sentence
from perpbook.playbook.tell_time import (
    beta_sentence,
    cuts_sentence,
    drawdowns,
    funding_caps,
    funding_rates,
    hedge_limits,
    ladder_sentence,
    rebalance_sentence,
)

NAMELESS: str = Playbook.model_fields["name"].default
NEAR: float = Playbook.model_fields["near"].default
SLACK: float = Guardrails.model_fields["slack"].default
COOLDOWN: float = Guardrails.model_fields["cooldown_minutes"].default
NO_LIMITS = "This playbook sets no limits."


def explain(playbook: Playbook) -> tuple[str, ...]:
    """The rules in force as sentences; what is not limited is said only where a trader would rely on it."""
    limits = [*_leverage(playbook), *_survival(playbook), *_rest(playbook)]
    sleeves = playbook.capital.sleeves if playbook.capital else ()
    limited = bool(limits) or any(sleeve.min or sleeve.max is not None for sleeve in sleeves)
    back = [rebalance_sentence(playbook.rebalance)] if playbook.rebalance else []
    betas = [beta_sentence(playbook.hedge.beta)] if playbook.hedge and playbook.hedge.beta else []
    said = [*_capital(sleeves), *back, *betas, *limits]
    if limited and playbook.survival is None:
        said.append("No price move has to be survived.")
    if not limited:
        said.append(NO_LIMITS)
    leaves = exit_sentences(playbook.exit) if playbook.exit else ()
    told = alert_sentences(playbook.alerts) if playbook.alerts else ()
    return (*_frame(playbook, limited), *said, *leaves, *told)


def _frame(playbook: Playbook, limited: bool) -> Iterator[str]:
    """The name, what counts as near, how old figures may be: defaults only where there is something to judge."""
    if playbook.name != NAMELESS:
        yield f'This playbook is called "{playbook.name}".'
    if limited or playbook.near != NEAR:
        yield f"A limit counts as near once {percent(playbook.near)} of it is used."
    minutes, days = playbook.data.prices_max_age_minutes, playbook.data.terms_max_age_days
    if minutes is not None:
        yield f"Prices older than {plain(minutes)} minutes are not judged."
    if limited or days != Data.model_fields["terms_max_age_days"].default:
        yield f"Venue terms older than {plain(days)} days bring a warning."
    guard = playbook.guardrails or Guardrails()
    if limited or (guard.slack, guard.cooldown_minutes) != (SLACK, COOLDOWN):
        yield cuts_sentence(guard)


def _capital(sleeves: tuple[Sleeve, ...]) -> Iterator[str]:
    for sleeve in sleeves:
        yield sleeve_sentence(sleeve)
    if sum(bool(positions_of(sleeve)) for sleeve in sleeves) > 1:
        yield "A position that two sleeves would take belongs to the one written first."
    if sleeves and RESERVE not in [sleeve.name for sleeve in sleeves]:
        yield f'Idle money is in no sleeve, because none is called "{RESERVE}".'


def sleeve_sentence(sleeve: Sleeve) -> str:
    """What a sleeve takes and how much of the book it should hold."""
    takes = [positions_of(sleeve), "idle money" if sleeve.name == RESERVE else ""]
    bounds = [
        f"should hold {percent(sleeve.target)} of book equity" if sleeve.target is not None else "",
        f"must hold at least {percent(sleeve.min)}" if sleeve.min else "",
        f"may hold at most {percent(sleeve.max)}" if sleeve.max is not None else "",
    ]
    said = [one for one in bounds if one]
    if said and sleeve.target is None:
        said[0] += " of book equity"
    what = listing(one for one in takes if one) or "nothing, because it names no venue, symbol or tag"
    return f'Sleeve "{sleeve.name}" takes {what}; it {listing(said) if said else "has no target and no bounds"}.'


def positions_of(sleeve: Sleeve) -> str:
    """The positions a sleeve takes, in words; empty for none."""
    filters = [
        f"tagged {listing(quoted(sleeve.tags), 'or')}" if sleeve.tags else "",
        f"in {listing(sleeve.symbols, 'or')}" if sleeve.symbols else "",
        f"on {listing(sleeve.venues, 'or')}" if sleeve.venues else "",
    ]
    found = " ".join(one for one in filters if one)
    return f"positions {found}" if found else ""


def _leverage(playbook: Playbook) -> Iterator[str]:
    if playbook.leverage is None:
        return
    if playbook.leverage.asset:
        yield _asset_caps(playbook.leverage.asset)
    if playbook.leverage.account:
        yield from _caps(playbook.leverage.account, "No account", "its")
    if playbook.leverage.book:
        yield from _caps(playbook.leverage.book, "The book", "book")


def _asset_caps(caps: Mapping[str, float]) -> str:
    """All accounts together, each asset's notional over book equity."""
    rest = caps.get("default")
    named = [(asset, cap) for asset, cap in caps.items() if asset != "default"]
    if rest is not None:
        named.append(("every other asset" if named else "every asset", rest))
    (first, cap), *others = named
    rows = [f"{first} at most {multiple(cap)} book equity", *(f"{one} {multiple(more)}" for one, more in others)]
    tail = "" if rest is not None else "; other assets are not capped"
    return f"Over all accounts, notional may be: {listing(rows)}{tail}."


def _caps(caps: LeverageCaps, who: str, whose: str) -> Iterator[str]:
    may = "may" if who.startswith("No") else "may not"
    if caps.gross is not None:
        yield f"{who} {may} be levered more than {multiple(caps.gross)} gross (notionals over {whose} equity)."
    if caps.net is not None:
        yield f"{who} {may} be levered more than {multiple(caps.net)} net (beta-weighted exposure over {whose} equity)."
    if caps.effective is not None:
        dies = who if who.startswith("No") else "The first account to die, taking the whole book,"
        yield f"{dies} {may} die sooner than a single {multiple(caps.effective)} position would (effective leverage)."


def _survival(playbook: Playbook) -> Iterator[str]:
    if playbook.survival is not None:
        yield survival_sentence(playbook.survival)
        yield from hardship_sentences(playbook.survival)


def survival_sentence(survival: Survival) -> str:
    """What must be survived, by whom, and with how much left."""
    moves = moves_in_words(survival)
    subject = f"Each of {moves}" if len(set(survival.moves)) > 1 else f"A move of {moves}"
    kinds = kinds_in_words(survival)
    left = f", with {percent(survival.buffer)} of the maintenance margin left over" if survival.buffer else ""
    return f"{subject} must be survived by every account, {kinds}{left}."


def hardship_sentences(survival: Survival) -> Iterator[str]:
    """What must be survived besides moves."""
    if survival.funding_flip:
        yield (
            f"Every account must survive them too when all its funding has turned against it for {survival.horizon}, at the size "
            "of the rates in force; where a rate is not known, neither is this."
        )
    if survival.depth_loss is not None:
        yield (
            f"Every account must survive them too when it pays for closing whole with {percent(survival.depth_loss)} of the "
            "depth gone; where depth is not known, or does not reach, neither is this."
        )


def moves_in_words(survival: Survival) -> str:
    """The sizes of the moves, smallest first."""
    return listing(f"±{percent(move)}" for move in sorted(set(survival.moves)))


def kinds_in_words(survival: Survival) -> str:
    """How the moves come, in one order however they are written."""
    asked = set(survival.kinds)
    words = {
        "joint": "all assets together",
        "asset": "one at a time" if "joint" in asked else "one asset at a time",
        "beta": "each asset by its beta",
        "broken": f"with hedges failing ({percent(survival.correlation_stress)} of the way from beta to every asset "
        "moving against the book)",
    }
    return listing(text for kind, text in words.items() if kind in asked)


def _rest(playbook: Playbook) -> Iterator[str]:
    loss = playbook.guardrails.position_loss if playbook.guardrails else None
    if loss is not None:
        yield f"A position whose unrealised loss exceeds {percent(loss)} of book equity is to be closed."
    if playbook.guardrails is not None:
        yield from drawdowns(playbook.guardrails)
        if playbook.guardrails.take_profit:
            yield ladder_sentence(playbook.guardrails.take_profit)
    if playbook.funding is not None:
        yield from funding_caps(playbook.funding)
        yield from funding_rates(playbook.funding)
    if playbook.margin is not None:
        yield from _modes(playbook.margin)
    yield from _shares(playbook.venues, "venue")
    yield from _shares(playbook.layers, "layer")
    yield from layer_sentences(playbook.layers or Layers())
    if playbook.drill is not None:
        yield from drill_sentences(playbook.drill)
    if playbook.hedge is not None:
        yield from hedge_limits(playbook.hedge)
    yield from _liquidity(playbook.liquidity)
    if playbook.automation is not None:
        yield from automation_sentences(playbook.automation)


def _liquidity(liquidity: Liquidity | None) -> Iterator[str]:
    if liquidity is not None and liquidity.max_depth_share is not None:
        yield (
            f"No position may be more than {percent(liquidity.max_depth_share)} of the depth it would be closed into; "
            "where the book file gives no depth, this is not judged."
        )
    if liquidity is not None and liquidity.max_exit_minutes is not None:
        yield exit_time_sentence(liquidity.max_exit_minutes)
    if liquidity is not None and liquidity.spread_alert is not None:
        yield (
            f"A contract held whose spread is more than {percent(liquidity.spread_alert)} of its price is reported, and so is "
            "one whose book is not known; no trade is asked for."
        )


def _modes(margin: Margin) -> Iterator[str]:
    for mode, names in (("isolated", margin.isolated), ("cross", margin.cross)):
        if names:
            which = "Positions of sleeve" if len(set(names)) == 1 else "Positions of sleeves"
            yield f"{which} {listing(quoted(tuple(dict.fromkeys(names))))} must be margined {mode}."
    if margin.top_up is not None:
        yield TOP_UPS[margin.top_up]


def _shares(section: Shares | None, place: str) -> Iterator[str]:
    if section is not None and section.survive_loss_of_any:
        yield loss_sentence(section, place)
    if section is None or (section.max_share is None and not section.shares):
        return
    named = [f"{percent(share)} on {name}" for name, share in (section.shares or {}).items()]
    if section.max_share is None:
        yield f"At most so much of book equity may stand there: {listing(named)}; other {place}s are not limited."
        return
    tail = f", but at most {listing(named)}" if named else ""
    yield f"At most {percent(section.max_share)} of book equity may stand on any one {place}{tail}."
