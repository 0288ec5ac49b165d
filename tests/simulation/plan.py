"""What one seed's world is like: how often things go wrong is itself drawn, and about half of all faults are off in a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from perpbook.guard.ladder import TAKE_PROFIT
from perpbook.guard.settings import Caps, Settings, Timer, Timing
from perpbook.model.account import Account, Balance, Position
from perpbook.model.contract import Contract
from perpbook.model.units import SECOND_NS
from perpbook.simulation.faults import Faults
from perpbook.simulation.order_rules import floored, order_rules, price_step
from perpbook.terms.find import find_contract
from perpbook.terms.load import load_terms
from perpbook.terms.terms import VenueTerms
from tests.simulation.chance import Chance

START_NS = 1_795_000_000 * SECOND_NS
MARKS = {
    "hyperliquid": {"BTC": 60_000.0, "ETH": 3_000.0},
    "dydx": {"BTC-USD": 60_000.0, "ETH-USD": 3_000.0},
}
RATES = (0.0, 0.02, 0.06, 0.2)
"""What the rate of a fault is drawn from in a seed where it is not off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the person does: weights of answers, and events a minute. `looks` : seconds between two looks at the guard."""

    answers: tuple[tuple[str, float], ...]
    reply: float
    looks: float
    kills: float
    resumes: float
    disarms: float
    rests: float
    exits: float
    lies: float
    moves: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a wanted leg goes, as in `Leg`."""

    slices: tuple[float, ...] = ()
    every_ns: int = 0
    patience_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Seconds. `timeout` : until a request counts as unanswered. lost, lagging : chances that a request never comes, or comes
    so late that it counts as lost before. `crash` : chance after each effect. `crashes` : a minute, between messages."""

    latency: float
    timeout: float
    lost: float
    lagging: float
    crash: float
    crashes: float
    down: float
    jumps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything about a seed's world that does not change while it runs. storm, calm : nanoseconds with and without faults.
    step : between two moves of the market; move : volatility of one; gap : its chance of a jump of `gap_size`.  limit : dollars
    of a position above which it is trimmed.  hedges : whether orders that open risk are wanted.  raises : chance that deciding
    raises.  pace : slices, nanoseconds between them and of patience, of the legs that trims want.  bridge : seconds that money
    is on its way.  ladder : gains at which profit is taken, and the share that is closed then."""

    seed: int
    settings: Settings
    accounts: tuple[Account, ...]
    faults: dict[str, Faults]
    network: Network
    habits: Habits
    storm: int
    calm: int
    step: int
    move: float
    gap: float
    gap_size: float
    limit: float
    hedges: bool
    raises: float
    bridge: float
    pace: Pace
    ladder: tuple[tuple[float, float], ...] = ()


@cache
def terms_of(venue: str) -> VenueTerms:
    """A venue's terms."""
    return load_terms(venue)


@cache
def contracts() -> dict[tuple[str, str], Contract]:
    """What is traded, with the price step that its venue asks for near its price."""
    found = {}
    for venue, marks in MARKS.items():
        for symbol, mark in marks.items():
            contract = find_contract(terms_of(venue), symbol).contract
            step = price_step(order_rules(venue), contract, mark * 1.3)
            found[venue, symbol] = replace(contract, tick_size=contract.tick_size or step)
    return found


def plan_of(seed: int) -> Plan:
    """A seed's plan."""
    chance = Chance(seed, "plan")
    venues = ("hyperliquid", "dydx") if chance.strikes(0.7) else (chance.pick(("hyperliquid", "dydx")),)
    size = chance.spread(5_000.0, 200_000.0)
    names = {venue: f"main-{venue}" for venue in venues}
    settings = _settings(chance, {name: venue for venue, name in names.items()}, size)
    ladder, bands = _ladder(Chance(seed, "ladder"), size)
    return Plan(
        seed=seed,
        settings=replace(settings, bands={**settings.bands, **bands}),
        accounts=tuple(_account(chance, name, venue, size) for venue, name in names.items()),
        faults={venue: _faults(chance) for venue in venues},
        network=_network(chance),
        habits=_habits(chance),
        storm=int(chance.between(40.0, 90.0) * SECOND_NS),
        calm=110 * SECOND_NS,
        step=int(chance.between(3.0, 12.0) * SECOND_NS),
        move=chance.spread(0.0002, 0.004),
        gap=chance.pick(RATES) / 2,
        gap_size=chance.spread(0.01, 0.12),
        limit=size * chance.between(0.5, 0.9),
        hedges=len(venues) == 2 and chance.strikes(0.4),
        raises=chance.pick((0.0, 0.0, 0.0, 0.03)),
        bridge=chance.between(5.0, 60.0),
        pace=_pace(Chance(seed, "pace")),
        ladder=ladder,
    )


def _ladder(chance: Chance, size: float) -> tuple[tuple[tuple[float, float], ...], dict[str, Caps]]:
    """Steps of profit in half of all seeds, which in half of those approve themselves."""
    if chance.strikes(0.5):
        return (), {}
    gains = sorted(chance.spread(0.0005, 0.05) for _ in range(chance.pick((1, 2, 3))))
    band = Caps(action=size * chance.between(0.2, 1.0), hour=size, day=size * 2)
    steps = tuple((gain, chance.between(0.1, 0.7)) for gain in gains)
    return steps, {TAKE_PROFIT: band} if chance.strikes(0.5) else {}


def _pace(chance: Chance) -> Pace:
    """Half of all seeds are in no hurry."""
    slices = chance.pick(((), (), (0.5, 1.0), (0.4, 0.6, 0.8, 1.0)))
    patience = chance.pick((0.0, 0.0, 3.0, 12.0))
    return Pace(
        slices=slices, every_ns=int(chance.between(1.0, 6.0) * SECOND_NS) if slices else 0,
        patience_ns=int(patience * SECOND_NS),
    )  # fmt: skip


def _rate(chance: Chance) -> float:
    return 0.0 if chance.strikes(0.5) else chance.pick(RATES)


def _faults(chance: Chance) -> Faults:
    names = (
        "reject",
        "error",
        "hang",
        "partial",
        "stale_account",
        "duplicate",
        "delay",
        "drop",
        "wrong_symbol",
        "malformed",
    )
    rates = {name: _rate(chance) for name in names}
    return Faults(
        **rates,
        disconnect=_rate(chance) / 4,
        own_hand=_rate(chance) / 4,
        silent=chance.pick((0.0, 0.5, 1.0)),
        delay_max_ns=int(chance.spread(0.5, 20.0) * SECOND_NS),
        disconnect_max_ns=int(chance.spread(1.0, 30.0) * SECOND_NS),
        skew_ns=int(chance.pick((0.0, 0.0, -0.4, 0.3, 2.0)) * SECOND_NS),
    )


def _network(chance: Chance) -> Network:
    return Network(
        latency=chance.spread(0.005, 0.8),
        timeout=chance.between(2.0, 6.0),
        lost=_rate(chance),
        lagging=_rate(chance),
        crash=chance.pick((0.0, 0.0, 0.002, 0.01, 0.03)),
        crashes=chance.pick((0.0, 0.0, 0.5, 2.0)),
        down=chance.spread(0.1, 30.0),
        jumps=chance.pick((0.0, 0.0, 0.0, 1.0)),
    )


def _habits(chance: Chance) -> Habits:
    kinds = ("approve", "deny", "forget", "twice", "other", "late")
    weights = (6.0, *(chance.pick((0.0, 0.5, 2.0)) for _ in kinds[1:]))
    return Habits(
        answers=tuple(zip(kinds, weights, strict=True)),
        reply=chance.spread(1.0, 30.0),
        looks=chance.between(8.0, 30.0),
        kills=chance.pick((0.0, 0.0, 0.3, 1.0)),
        resumes=chance.pick((0.0, 0.3, 0.8)),
        disarms=chance.pick((0.0, 0.0, 0.5)),
        rests=chance.pick((0.0, 0.0, 1.0)),
        exits=chance.pick((0.0, 0.0, 0.5)),
        lies=chance.pick((0.0, 0.0, 1.0)),
        moves=chance.pick((0.0, 0.5)),
    )


def _settings(chance: Chance, accounts: dict[str, str], size: float) -> Settings:
    tight = chance.strikes(0.25)
    action = size * (chance.between(0.1, 0.5) if tight else 3.0)
    return Settings(
        accounts=accounts,
        contracts={key: one for key, one in contracts().items() if key[0] in accounts.values()},
        caps=Caps(action=action, hour=action * chance.between(1.0, 3.0), day=action * chance.between(2.0, 4.0)),
        collar=chance.spread(0.003, 0.03),
        slice=size * chance.spread(0.03, 1.0),
        expiry_ns=int(chance.between(15.0, 45.0) * SECOND_NS),
        bands={"auto": Caps(action=size * chance.between(0.2, 1.0), hour=size, day=size * 2)}
        if chance.strikes(0.6)
        else {},
        timers={venue: Timer() for venue in MARKS if order_rules(venue).dead_man is not None},
        dead_man_ns=20 * SECOND_NS,
        rests=frozenset(venue for venue in MARKS if order_rules(venue).reduce_only_rests),
        arming=chance.strikes(0.8),
        playbook=f"{chance.uniform():.15f}",
        terms="simulated",
        timing=Timing(
            rest=int(chance.between(5.0, 30.0) * SECOND_NS),
            decide=int(chance.between(3.0, 15.0) * SECOND_NS),
            verify=int(chance.between(10.0, 30.0) * SECOND_NS),
            unknown=int(chance.between(10.0, 30.0) * SECOND_NS),
        ),
    )


def _account(chance: Chance, name: str, venue: str, size: float) -> Account:
    positions = []
    for symbol, mark in MARKS[venue].items():
        if chance.strikes(0.85):
            lot = contracts()[venue, symbol].lot_size
            quantity = max(lot, floored(size * chance.between(0.3, 1.6) / mark, lot)) * chance.pick((1.0, -1.0))
            positions.append(Position(symbol=symbol, quantity=quantity, entry_price=mark))
    held = sum(abs(one.quantity) * one.entry_price for one in positions) or size
    cash = Balance(asset=terms_of(venue).settle, amount=held / chance.spread(1.5, 12.0))
    return Account(id=name, venue=venue, collateral=(cash,), positions=tuple(positions))
