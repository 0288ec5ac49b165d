"""What changed in meaning between two playbooks, not in text: one sentence a change, and whether it is stricter.

Values in force are compared: defaults filled in, a named cap beside the default that would stand in for it, moves and
names in any order. What the text says differently but means alike is no change.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from perpbook.playbook.alerts_section import Alerts
from perpbook.playbook.automation_section import TRADED, Automation
from perpbook.playbook.cadence import length_hours
from perpbook.playbook.drilling import Told, drill_sentences, drill_values
from perpbook.playbook.exit_section import Exit
from perpbook.playbook.explain import moves_in_words, positions_of, sleeve_sentence, survival_sentence
from perpbook.playbook.figures import listing, multiple, percent, plain, quoted
from perpbook.playbook.keys import dotted
from perpbook.playbook.schema import (
    Drills,
    Funding,
    Guardrails,
    Hedge,
    Layers,
    LeverageCaps,
    Playbook,
    Rebalance,
    Shares,
    Sleeve,
    Survival,
)
from perpbook.playbook.tell_acting import chances_values
from perpbook.playbook.tell_alerts import alert_values
from perpbook.playbook.tell_exit import order_in_words, triggers_in_words
from perpbook.playbook.tell_time import ladder_sentence, rebalance_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference in meaning: `before` and `after` in words, `stricter` None where it is neither or may be both."""

    key: str
    before: str
    after: str
    sentence: str
    stricter: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How one number is told and compared: `tighter` +1 when more is stricter, -1 when less is, 0 when neither."""

    say: Callable[[float], str]
    tighter: int
    absent: str = "no limit"


KINDS = ("joint", "asset", "beta", "broken")

CAP = Wish(say=multiple, tighter=-1)
MOST = Wish(say=percent, tighter=-1)
LEAST = Wish(say=percent, tighter=+1, absent="no minimum")
TARGET = Wish(say=percent, tighter=0, absent="no target")
BUFFER = Wish(say=percent, tighter=+1, absent="nothing")
STRESS = Wish(say=percent, tighter=0, absent="not used")
SLACK = Wish(say=percent, tighter=0)
DRIFT = Wish(say=percent, tighter=0)
DOLLARS = Wish(say=lambda value: f"${plain(value)}", tighter=0, absent="no minimum")
MINUTES = Wish(say=lambda value: f"{plain(value)} minutes", tighter=-1)
LEFT = Wish(say=percent, tighter=+1, absent="nothing has to be left")
RESERVE_DOLLARS = Wish(say=lambda value: f"${plain(value)}", tighter=+1, absent="no reserve")
GAS_COINS = Wish(say=lambda value: f"{plain(value)} coins", tighter=+1, absent="none")
SETTLEMENTS = Wish(say=lambda value: f"{plain(value)} in a row", tighter=-1)
CAP_DOLLARS = Wish(say=lambda value: f"${plain(value)}", tighter=-1)
STEPS = Wish(say=plain, tighter=0)
DAYS = Wish(say=lambda value: f"{plain(value)} days", tighter=-1)


def diff(before: Playbook, after: Playbook) -> tuple[Change, ...]:
    """Every change in meaning, in the order of the schema; empty when both mean the same."""
    return tuple(
        [
            *_words("name", f'"{before.name}"', f'"{after.name}"'),
            *_number("near", before.near, after.near, MOST),
            *_number("data.prices_max_age_minutes", *_both(before, after, "data", "prices_max_age_minutes"), MINUTES),
            *_number("data.terms_max_age_days", before.data.terms_max_age_days, after.data.terms_max_age_days, DAYS),
            *_capital(before, after),
            *_rebalance(before.rebalance, after.rebalance),
            *_leverage(before, after),
            *_survival(before.survival, after.survival),
            *_guardrails(before.guardrails or Guardrails(), after.guardrails or Guardrails()),
            *_funding(before.funding or Funding(), after.funding or Funding()),
            *_modes(before, after),
            *_shares("venues", before.venues, after.venues),
            *_shares("layers", before.layers, after.layers),
            *_money(before.layers or Layers(), after.layers or Layers()),
            *_drill(before.drill, after.drill),
            *_hedge(before.hedge or Hedge(), after.hedge or Hedge()),
            *_number("liquidity.max_depth_share", *_both(before, after, "liquidity", "max_depth_share"), MOST),
            *_number("liquidity.max_exit_minutes", *_both(before, after, "liquidity", "max_exit_minutes"), MINUTES),
            *_number("liquidity.spread_alert", *_both(before, after, "liquidity", "spread_alert"), MOST),
            *_exit(before.exit or Exit(), after.exit or Exit()),
            *_automation(before.automation or Automation(), after.automation or Automation()),
            *_alerts(before.alerts or Alerts(), after.alerts or Alerts()),
        ]
    )


def _both(before: Playbook, after: Playbook, section: str, name: str) -> tuple[float | None, float | None]:
    """One number of one section in both playbooks; None where it or its section is absent."""
    first, second = (getattr(getattr(one, section), name, None) for one in (before, after))
    return first, second


def _number(key: str, before: float | None, after: float | None, wish: Wish) -> Iterator[Change]:
    if before == after:
        return
    told = [wish.absent if value is None else wish.say(value) for value in (before, after)]
    none = -math.inf if wish.tighter > 0 else math.inf
    first, second = (none if value is None else value for value in (before, after))
    yield _change(key, told[0], told[1], (second > first) == (wish.tighter > 0) if wish.tighter else None)


def _words(key: str, before: str, after: str, stricter: bool | None = None, because: str = "") -> Iterator[Change]:
    if before != after:
        yield _change(key, before, after, stricter, because)


def _change(key: str, before: str, after: str, stricter: bool | None, because: str = "") -> Change:
    verdict = "" if stricter is None else " (stricter)" if stricter else " (looser)"
    sentence = f"{key}: {before} becomes {after}{verdict}{because}"
    return Change(key=key, before=before, after=after, sentence=sentence, stricter=stricter)


def _capital(before: Playbook, after: Playbook) -> Iterator[Change]:
    """Sleeves matched by name; their order is meaning, because the first that matches takes the position."""
    old, new = (_sleeves(one) for one in (before, after))
    for name in _names(old, new):
        key = dotted(("capital", "sleeves", name))
        if name not in new:
            told = sleeve_sentence(old[name])
            yield Change(key=key, before=told, after="gone", sentence=f"{key}: is gone", stricter=None)
        elif name not in old:
            told, place = sleeve_sentence(new[name]), list(new).index(name) + 1
            sentence = f"{key}: is new, number {place} of {len(new)}. {told}"
            yield Change(key=key, before="none", after=told, sentence=sentence, stricter=None)
        else:
            yield from _sleeve(key, old[name], new[name])
    yield from _order(old, new)


def _sleeves(playbook: Playbook) -> dict[str, Sleeve]:
    return {sleeve.name: sleeve for sleeve in (playbook.capital.sleeves if playbook.capital else ())}


def _names(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """The names of either, each once, the older ones first."""
    return list(dict.fromkeys([*old, *new]))


def _order(old: Mapping[str, Sleeve], new: Mapping[str, Sleeve]) -> Iterator[Change]:
    """The order of the sleeves that take positions in both; the others' places mean nothing."""
    both = {name for name in old if name in new and positions_of(old[name]) and positions_of(new[name])}
    told = [f"the order {listing(name for name in sleeves if name in both)}" for sleeves in (old, new)]
    because = "; a position belongs to the first sleeve that matches it"
    yield from _words("capital.sleeves", told[0], told[1], because=because)


def _sleeve(key: str, before: Sleeve, after: Sleeve) -> Iterator[Change]:
    yield from _number(f"{key}.target", before.target, after.target, TARGET)
    yield from _number(f"{key}.min", before.min or None, after.min or None, LEAST)
    yield from _number(f"{key}.max", before.max, after.max, MOST)
    for name in ("venues", "symbols", "tags"):
        first, second = (sorted(set(getattr(one, name))) for one in (before, after))
        told = [listing(quoted(names), "or") or "not named" for names in (first, second)]
        yield from _words(f"{key}.{name}", told[0], told[1])


def _leverage(before: Playbook, after: Playbook) -> Iterator[Change]:
    first, second = before.leverage, after.leverage
    old, new = (dict(one.asset or {}) if one else {} for one in (first, second))
    for name in _names(old, new):
        if name != "default":
            caps = [caps.get(name, caps.get("default")) for caps in (old, new)]
            yield from _number(dotted(("leverage", "asset", name)), caps[0], caps[1], CAP)
    yield from _number("leverage.asset.default", old.get("default"), new.get("default"), CAP)
    yield from _caps("leverage.account", first.account if first else None, second.account if second else None)
    yield from _caps("leverage.book", first.book if first else None, second.book if second else None)


def _caps(key: str, before: LeverageCaps | None, after: LeverageCaps | None) -> Iterator[Change]:
    for name in ("gross", "net", "effective"):
        yield from _number(f"{key}.{name}", getattr(before, name, None), getattr(after, name, None), CAP)


def _survival(before: Survival | None, after: Survival | None) -> Iterator[Change]:
    if before is None or after is None:
        told = [survival_sentence(one) if one else "no move has to be survived" for one in (before, after)]
        yield from _words("survival", told[0].rstrip("."), told[1].rstrip("."), after is not None)
        return
    moves, kinds = [set(one.moves) for one in (before, after)], [set(one.kinds) for one in (before, after)]
    if moves[0] != moves[1]:
        yield _change("survival.moves", moves_in_words(before), moves_in_words(after), _harder_moves(*moves))
    if kinds[0] != kinds[1]:
        stricter = True if kinds[1] > kinds[0] else False if kinds[1] < kinds[0] else None
        told = [listing(kind for kind in KINDS if kind in one) for one in kinds]
        yield _change("survival.kinds", told[0], told[1], stricter)
    stress = [one.correlation_stress if "broken" in one.kinds else None for one in (before, after)]
    yield from _number("survival.correlation_stress", stress[0], stress[1], STRESS)
    yield from _number("survival.buffer", before.buffer or None, after.buffer or None, BUFFER)
    told = [f"turned for {one.horizon}" if one.funding_flip else "as it comes" for one in (before, after)]
    spans = [length_hours(one.horizon) if one.funding_flip else 0 for one in (before, after)]
    yield from _words("survival.funding_flip", told[0], told[1], spans[1] > spans[0])
    yield from _number("survival.depth_loss", before.depth_loss, after.depth_loss, BUFFER)


def _harder_moves(before: set[float], after: set[float]) -> bool | None:
    """A larger largest move is stricter: who survives it survives the smaller ones on the way to it."""
    if max(after) != max(before):
        return max(after) > max(before)
    return True if after > before else False if after < before else None


def _rebalance(before: Rebalance | None, after: Rebalance | None) -> Iterator[Change]:
    if before is None or after is None:
        told = [rebalance_sentence(one).rstrip(".") if one else "nothing is brought back" for one in (before, after)]
        yield from _words("rebalance", told[0], told[1])
        return
    yield from _words("rebalance.cadence", f'"{before.cadence}"', f'"{after.cadence}"')
    yield from _words("rebalance.timezone", before.timezone, after.timezone)
    yield from _number("rebalance.drift", before.drift, after.drift, DRIFT)
    yield from _number("rebalance.minimum_trade", before.minimum_trade, after.minimum_trade, DOLLARS)
    told = ["widened by cost" if one.cost_aware else "as written" for one in (before, after)]
    yield from _words("rebalance.cost_aware", f"the drift {told[0]}", f"the drift {told[1]}")


def _drill(before: Drills | None, after: Drills | None) -> Iterator[Change]:
    if before is None or after is None:
        told = [
            " ".join(drill_sentences(one)).rstrip(".") if one else "no drill is asked for" for one in (before, after)
        ]
        yield from _words("drill", told[0], told[1], after is not None)
        return
    for old, new in zip(drill_values(before), drill_values(after), strict=True):
        yield from _told(old, new)


def _told(old: Told, new: Told) -> Iterator[Change]:
    if old.is_limit and old.number != new.number:
        limits = [math.inf if one.number is None else one.number for one in (old, new)]
        yield _change(old.key, old.words, new.words, limits[1] < limits[0])
    elif not old.is_limit:
        yield from _words(old.key, old.words, new.words)


def _alerts(before: Alerts, after: Alerts) -> Iterator[Change]:
    """Who is told what; where the first of two rules wins, their order is meaning."""
    old, new = alert_values(before), alert_values(after)
    for key in _names(old, new):
        nothing = Told(key=key, words="not said")
        yield from _told(old.get(key, nothing), new.get(key, nothing))
    for name in ("channels", "routes", "modes"):
        orders = [
            [key for key in getattr(one, name) if key in getattr(other, name)]
            for one, other in ((before, after), (after, before))
        ]
        yield from _words(f"alerts.{name}", f"the order {listing(orders[0])}", f"the order {listing(orders[1])}")


def _guardrails(before: Guardrails, after: Guardrails) -> Iterator[Change]:
    """Losses, profits, cuts. What a drawdown leads to means nothing where none is limited."""
    for name in ("position_loss", "daily_drawdown", "weekly_drawdown"):
        yield from _number(f"guardrails.{name}", getattr(before, name), getattr(after, name), MOST)
    if all(one.daily_drawdown is not None or one.weekly_drawdown is not None for one in (before, after)):
        flattens, by_hand = after.drawdown_action == "flatten", after.rearm == "manual"
        yield from _words("guardrails.drawdown_action", before.drawdown_action, after.drawdown_action, flattens)
        yield from _words("guardrails.rearm", before.rearm, after.rearm, by_hand)
    steps = [one.take_profit for one in (before, after)]
    told = [ladder_sentence(one).rstrip(".") if one else "no profit has to be taken" for one in steps]
    stricter = bool(steps[1]) if bool(steps[0]) != bool(steps[1]) else None
    yield from _words("guardrails.take_profit", told[0], told[1], stricter)
    yield from _number("guardrails.slack", before.slack, after.slack, SLACK)
    yield from _number("guardrails.cooldown_minutes", before.cooldown_minutes, after.cooldown_minutes, MINUTES)


def _funding(before: Funding, after: Funding) -> Iterator[Change]:
    yield from _number("funding.daily_cap", before.daily_cap, after.daily_cap, MOST)
    for section in ("daily_cap_asset", "daily_cap_venue"):
        old, new = (dict(getattr(one, section) or {}) for one in (before, after))
        for name in (one for one in _names(old, new) if one != "default"):
            caps = [caps.get(name, caps.get("default")) for caps in (old, new)]
            yield from _number(dotted(("funding", section, name)), caps[0], caps[1], MOST)
        yield from _number(f"funding.{section}.default", old.get("default"), new.get("default"), MOST)
    yield from _number("funding.projected_cap", before.projected_cap, after.projected_cap, MOST)
    yield from _number("funding.flip_after", before.flip_after, after.flip_after, SETTLEMENTS)
    yield from _number("funding.expected_max", before.expected_max, after.expected_max, MOST)
    if all(one.flip_after is not None or one.expected_max is not None for one in (before, after)):
        yield from _words("funding.response", before.response, after.response)
        if "close" not in (before.response, after.response):
            yield from _number("funding.payback_days", before.payback_days, after.payback_days, DAYS)
    yield from _number("funding.skew_alert", before.skew_alert, after.skew_alert, MOST)


def _automation(before: Automation, after: Automation) -> Iterator[Change]:
    """Rules that may act are compared one by one, however they are named."""
    first, second = ({rule for rule in TRADED if one.allows(rule)} | set(one.auto) for one in (before, after))
    told = [listing(sorted(rules)) or "nothing" for rules in (first, second)]
    yield from _words(
        "automation.auto", told[0], told[1], first > second if first >= second or first <= second else None
    )
    for name in ("max_per_order", "max_per_action", "max_per_hour", "max_per_day"):
        yield from _number(f"automation.{name}", getattr(before, name), getattr(after, name), CAP_DOLLARS)
    yield from _number("automation.collar", before.collar, after.collar, MOST)
    waits = (before.approval_expires_minutes, after.approval_expires_minutes)
    yield from _number("automation.approval_expires_minutes", *waits, MINUTES)
    yield from _words("automation.quiet_hours", before.quiet_hours or "none", after.quiet_hours or "none")
    new = chances_values(after)
    for key, was in chances_values(before).items():
        yield from _words(key, was, new[key])


def _exit(before: Exit, after: Exit) -> Iterator[Change]:
    """What starts it, and how everything is closed."""
    old, new = set(before.triggers), set(after.triggers)
    told = [f"starts {triggers_in_words(one.triggers)}" for one in (before, after)]
    yield from _words("exit.triggers", told[0], told[1], new > old if new > old or new < old else None)
    told = [f"closes {order_in_words(one.order)}" for one in (before, after)]
    yield from _words("exit.order", told[0], told[1])
    yield from _number("exit.steps", before.steps, after.steps, STEPS)
    yield from _number("exit.slippage_max", before.slippage_max, after.slippage_max, MOST)
    told = [one.destination or "no layer" for one in (before, after)]
    yield from _words("exit.destination", told[0], told[1])


def _hedge(before: Hedge, after: Hedge) -> Iterator[Change]:
    """The band (whose it is means nothing where there is none), betas, the budget, and options."""
    yield from _number("hedge.delta_band", before.delta_band, after.delta_band, MOST)
    if before.delta_band is not None and after.delta_band is not None:
        old, new = set(before.assets), set(after.assets)
        more, fewer = bool(old) and (not new or old < new), bool(new) and (not old or new < old)
        stricter = more if more or fewer else None
        told = [listing(sorted(one)) if one else "every asset" for one in (old, new)]
        yield from _words("hedge.assets", told[0], told[1], stricter)
    told = [one.beta or "not chosen" for one in (before, after)]
    yield from _words("hedge.beta", told[0], told[1])
    yield from _number("hedge.tail_budget", before.tail_budget, after.tail_budget, MOST)
    words = {None: "not said", True: "allowed", False: "not allowed"}
    old_word, new_word = (words[one.options] for one in (before, after))
    banned = [one.options is False for one in (before, after)]
    yield from _words("hedge.options", old_word, new_word, banned[1] if banned[0] != banned[1] else None)


def _modes(before: Playbook, after: Playbook) -> Iterator[Change]:
    """The margin mode each sleeve must have; the key is the list that names, or named, the sleeve."""
    asked = [(one.margin.top_up if one.margin else None) or "told, and no way sought" for one in (before, after)]
    yield from _words("margin.top_up", asked[0], asked[1])
    old, new = (_mode_by_sleeve(one) for one in (before, after))
    for name in _names(old, new):
        first, second = (modes.get(name, "any mode") for modes in (old, new))
        stricter = None if name in old and name in new else name in new
        key = "margin.isolated" if "isolated" in (first, second) else "margin.cross"
        for change in _words(f'{key}, sleeve "{name}"', first, second, stricter):
            yield Change(key=key, before=first, after=second, sentence=change.sentence, stricter=stricter)


def _mode_by_sleeve(playbook: Playbook) -> dict[str, str]:
    margin = playbook.margin
    return {name: mode for mode in ("isolated", "cross") for name in (getattr(margin, mode) if margin else ())}


def _shares(section: str, before: Shares | None, after: Shares | None) -> Iterator[Change]:
    rest = [one.max_share if one else None for one in (before, after)]
    yield from _number(f"{section}.max_share", rest[0], rest[1], MOST)
    old, new = (dict(one.shares or {}) if one else {} for one in (before, after))
    for name in _names(old, new):
        key = dotted((section, "shares", name))
        yield from _number(key, old.get(name, rest[0]), new.get(name, rest[1]), MOST)
    kept = [one.left_after_loss if one and one.survive_loss_of_any else None for one in (before, after)]
    if None in kept:
        yield from _number(f"{section}.survive_loss_of_any", kept[0], kept[1], LEFT)
    yield from _number(f"{section}.left_after_loss", kept[0], kept[1], LEFT) if None not in kept else ()


def _money(before: Layers, after: Layers) -> Iterator[Change]:
    """What must stand on layers and what may hang on one bridge or coin."""
    yield from _number("layers.bridge_max_share", before.bridge_max_share, after.bridge_max_share, MOST)
    yield from _number("layers.stablecoin_max_share", before.stablecoin_max_share, after.stablecoin_max_share, MOST)
    for key, wish in (("reserves", RESERVE_DOLLARS), ("gas", GAS_COINS)):
        old, new = (dict(getattr(one, key) or {}) for one in (before, after))
        for name in _names(old, new):
            yield from _number(dotted(("layers", key, name)), old.get(name), new.get(name), wish)
    coins = [dict(one.gas_coins or {}) for one in (before, after)]
    for name in _names(*coins):
        told = [one.get(name, "the layer's own coin") for one in coins]
        yield from _words(dotted(("layers", "gas_coins", name)), told[0], told[1])
