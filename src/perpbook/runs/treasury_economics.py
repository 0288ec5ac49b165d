"""`treasury economics`: the best band of every coin's exposure under the fees and the latency of every layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from perpbook.errors import InputError

if TYPE_CHECKING:
    from perpbook.kernels.types import Floats
    from perpbook.runs.check import CheckResult
    from perpbook.treasury.economics import Drift, Economics, LayerToll
    from perpbook.treasury.facts import Facts, Layer

TRADE_GAS = 200_000.0
"""Units of gas of "a typical transaction" (https://docs.base.org/base-chain/network-information/network-fees.md, read
2026-11-27): a swap, or an order on a venue made of contracts, where its own figure is not given."""

ANY = "*"
"""Stands for every coin without a volatility of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EconomicsAsked:
    """volatility : a year's, fractions in text by coin; without any, the past in `lake` (`venue`'s prices). aversion : relative
    risk aversion. gas : dollars a trade by layer, "median" or "median,dear". latency : seconds by layer. units : gas a
    trade. facts : the trader's own file beside the package's."""

    book: Path
    playbook: Path | None = None
    market: Path | None = None
    lake: Path | None = None
    venue: str = "binance"
    volatility: Mapping[str, str] = field(default_factory=dict)
    aversion: float = 2.0
    gas: Mapping[str, str] = field(default_factory=dict)
    latency: Mapping[str, str] = field(default_factory=dict)
    units: float = TRADE_GAS
    facts: Path | None = None


def run_economics(asked: EconomicsAsked, *, now_ns: int | None, terms_folders: Sequence[Path]) -> Economics:
    """Read, measure how exposure drifts, and find every band.

    Raises
    ------
    InputError : a file or an option is wrong, the book is worth nothing, or how coins move is not known.
    DataError : a price or history is missing.
    """
    from perpbook.runs.check import check_snapshot, load_all_terms, read_inputs

    refuse_nonsense(asked)
    snapshot, rules = read_inputs(
        asked.book, asked.playbook, market=asked.market, now_ns=now_ns, terms_folders=terms_folders
    )
    terms = load_all_terms(snapshot, terms_folders)
    return economics_of(check_snapshot(snapshot, rules, terms, with_plans=False), asked)


def economics_of(before: CheckResult, asked: EconomicsAsked) -> Economics:
    """Of a checked book; errors as `run_economics`."""
    from perpbook.runs.hedge_desk import exposures_of
    from perpbook.treasury.economics import Economics, drifts_of
    from perpbook.treasury.own_facts import treasury_facts

    equity = before.assessment.book.equity
    if not equity > 0.0:
        raise InputError("the book is worth nothing: there is no share of it to keep")
    exposures = {asset: dollars for asset, dollars in exposures_of(before.assessed).items() if dollars != 0.0}
    names = tuple(exposures)
    covariance, moves, notes = covariance_of(before, asked, names)
    drifts = drifts_of(exposures, names, covariance, equity, asked.aversion)
    drifts = tuple(sorted(drifts, key=lambda one: -one.spread))
    layers, unknown = tolls_of(before, asked, treasury_facts(asked.facts), drifts)
    return Economics(
        equity=equity, drifts=drifts, layers=layers, unknown=unknown, aversion=asked.aversion,
        simulated=before.assessment.simulated, moves=moves, notes=notes,
    )  # fmt: skip


def refuse_nonsense(asked: EconomicsAsked) -> None:
    """InputError for an option that makes no sense."""
    if not 0.0 < asked.aversion <= 1_000.0:
        raise InputError(
            f"--risk-aversion {asked.aversion:g}: write a number above 0; 1 bets all that Kelly says, 2 half"
        )
    if not 21_000.0 <= asked.units <= 1e8:
        raise InputError(f"--gas-units {asked.units:g}: a transaction takes 21,000 units at least, and fits a block")


def covariance_of(
    before: CheckResult, asked: EconomicsAsked, names: tuple[str, ...]
) -> tuple[Floats, str, tuple[str, ...]]:
    """(A, A) covariance of a year, whose it is, and what to say of it."""
    if not names:
        return np.zeros((0, 0)), "nothing: the book has no exposure", ()
    if asked.volatility:
        sigma = volatilities(asked.volatility, names, before.snapshot.market.betas)
        said = "volatilities as given, all coins moving as one"
        return np.outer(sigma, sigma), said, ("coins that do not move as one drift otherwise than is told here",)
    if asked.lake is None:
        raise InputError("how the coins move is not known: give --volatility BTC=0.6, or a lake with --lake FOLDER")
    from perpbook.hedging.scenarios import usual_covariance
    from perpbook.runs.hedge_past import PastAsked, read_past
    from perpbook.treasury.economics import YEAR_SECONDS

    beside = () if len(names) > 1 else ("ETH",) if names == ("BTC",) else ("BTC",)
    past = read_past(PastAsked(lake=asked.lake, venue=asked.venue), (*names, *beside))
    yearly = YEAR_SECONDS / (past.returns.bar_ns / 1e9)
    said = f"{past.returns.rows:,} joint moves of {past.source}" + (" (SIMULATED)" if past.simulated else "")
    return usual_covariance(past.returns)[: len(names), : len(names)] * yearly, said, past.notes


def volatilities(given: Mapping[str, str], names: Sequence[str], betas: Mapping[str, float]) -> Floats:
    """A year's volatility of every coin: its own, else bitcoin's times its beta in the book.

    Raises
    ------
    InputError : a figure is none, of a coin that the book has no exposure to, or of a coin nobody knows.
    """
    from perpbook.runs.check_rescue import motions_from

    own = {asset: one.volatility for asset, one in motions_from(given, {*names, "BTC", ANY}).items()}
    if "BTC" in own:
        own |= {one: abs(betas[one]) * own["BTC"] for one in names if one in betas and one not in own}
    lacking = [one for one in names if one not in own and ANY not in own]
    if lacking:
        raise InputError(
            f"how {', '.join(lacking)} moves is not known: give --volatility {lacking[0]}=0.8, or BTC's with betas in the book"
        )
    return np.array([own[one] if one in own else own[ANY] for one in names])


def tolls_of(
    before: CheckResult, asked: EconomicsAsked, facts: Facts, drifts: Sequence[Drift]
) -> tuple[tuple[LayerToll, ...], dict[str, str]]:
    """Layers whose gas is known, dearest first, and the others."""
    from perpbook.treasury.economics import DEAR, MEDIAN, LayerToll, Toll, best_interval, together

    gas = {_layer(facts, name, "--gas").id: _pair(name, text) for name, text in asked.gas.items()}
    late = {_layer(facts, name, "--latency").id: _pair(name, text)[0] for name, text in asked.latency.items()}
    rates, least = rates_of(before, facts), before.decision.policy.rebalance_minimum or least_trade()
    found, unknown = [], {}
    for layer in facts.layers.values():
        dollars = gas.get(layer.id) or gas_of(layer, facts, asked.units, before.snapshot.market.asset_prices)
        if dollars is None:
            unknown[layer.name] = why_unknown(layer)
            continue
        rate, seconds = rates.get(layer.id, rates[""]), late.get(layer.id, layer.block_seconds)
        tolls = {
            name: Toll(gas=one, rate=rate, seconds=seconds, least=least)
            for name, one in zip((MEDIAN, DEAR), dollars, strict=True)
        }
        found.append(
            LayerToll(
                id=layer.id, name=layer.name, kind=layer.kind, ours=layer.id in rates, tolls=tolls,
                found={name: together(drifts, one) for name, one in tolls.items()},
                every={name: best_interval(drifts[0], one) for name, one in tolls.items()} if drifts else {},
                floor="" if layer.id in gas or layer.kind != "rollup" or layer.gas is None else layer.gas.plus,
            )
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.tolls[DEAR].gas, -one.tolls[MEDIAN].gas, one.name))), unknown


def why_unknown(layer: Layer) -> str:
    """What is missing of a layer's gas."""
    if layer.gas is None:
        return "nothing is known of its gas"
    return f"{layer.gas.token} has no price in the book" if layer.gas.gwei else layer.gas.plus


def least_trade() -> float:
    """Dollars: the least that is traded where the playbook does not say."""
    from perpbook.allocation.problem import LEAST_TRADE

    return LEAST_TRADE


def rates_of(before: CheckResult, facts: Facts) -> dict[str, float]:
    """What a trade costs of its size, fee and half spread: by layer where the book trades, and "" for the whole book's mean."""
    from perpbook.runs.rebalance import HALF_SPREAD

    arrays, state = before.assessed.arrays, before.decision.state
    sums: dict[str, list[float]] = {"": [0.0, 0.0]}
    for number, row in enumerate(arrays.positions()):
        venue = facts.venues.get(arrays.accounts[arrays.items[row].account].venue)
        size, cost = abs(float(state.positions[number].value)), float(state.positions[number].cost)
        for place in ("", venue.layer if venue else ""):
            total = sums.setdefault(place, [0.0, 0.0])
            total[0], total[1] = total[0] + size, total[1] + size * cost
    return {place: HALF_SPREAD + (paid / size if size > 0.0 else 0.0) for place, (size, paid) in sums.items()}


def gas_of(layer: Layer, facts: Facts, units: float, prices: Mapping[str, float]) -> tuple[float, float] | None:
    """Dollars of gas for a trade, at the median and when it is dear; None where nobody knows. On a venue's own chain orders are
    free, whatever a transfer costs (the notes on gas of dYdX, Paradex, Lighter and Hyperliquid say so)."""
    from perpbook.treasury.economics import DEAR, MEDIAN
    from perpbook.treasury.exit_gas import units_dollars

    if layer.gas is not None and layer.gas.free:
        return 0.0, 0.0
    if layer.kind == "appchain" and any(one.layer == layer.id for one in facts.venues.values()):
        return 0.0, 0.0
    if layer.gas is None or not {MEDIAN, DEAR} <= set(layer.gas.gwei):
        return None
    usual, dear = (units_dollars(layer.gas, units, prices, point) for point in (MEDIAN, DEAR))
    return None if usual is None or dear is None else (usual, dear)


def _layer(facts: Facts, name: str, option: str) -> Layer:
    from perpbook.scenario.table_reader import nearest

    found = facts.layer_id(name)
    if found is None:
        raise InputError(f"{option} {name}: no layer is called so; {nearest(name, tuple(facts.layers))}")
    return facts.layers[found]


def _pair(name: str, text: str) -> tuple[float, float]:
    """One figure, or two with a comma."""
    try:
        given = [float(one) for one in text.split(",")]
    except ValueError:
        given = []
    if len(given) not in (1, 2) or not all(math.isfinite(one) and one >= 0.0 for one in given) or given[0] > given[-1]:
        raise InputError(f'"{name}={text}": write figures of 0 or more, rising, such as {name}=0.25 or {name}=0.25,6')
    return given[0], given[-1]


def economics_asked(given: Mapping[str, Any]) -> EconomicsAsked:
    """A command's options as one question; the lake is asked only where no volatility is given."""
    from perpbook.runs.asked import mapped
    from perpbook.runs.places import lake_folder, playbook_beside

    lake = given["lake"] or lake_folder()
    return EconomicsAsked(
        book=given["book"], playbook=playbook_beside(given["book"]) if given["playbook"] is None else given["playbook"],
        market=given["market"], lake=lake if given["lake"] or lake.exists() else None, venue=given["venue"],
        volatility=mapped(given["volatility"], "--volatility"), aversion=given["risk_aversion"],
        units=given["gas_units"], facts=given["facts"],
        gas=mapped(given["gas"], "--gas"), latency=mapped(given["latency"], "--latency"),
    )  # fmt: skip
