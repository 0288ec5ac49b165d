"""What the playbook says of a book: findings, proposals, and the verdict they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Status(Enum):
    """OK: inside the limit. NEAR: at or beyond the playbook's near mark (80 % by default). BREACH: beyond the limit."""

    OK = "ok"
    NEAR = "near"
    BREACH = "breach"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule measured on one subject: `measured` against `limit`, both in `unit` ("x", "share", "dollars", "mode").

    `rule` is the dotted playbook key ("leverage.asset", "survival.joint"); `subject` names the asset, account, venue,
    layer, sleeve, scenario or "book". `used` is how much of the limit is taken, 1 at the limit, for the bar that shows
    it. `sentence` says it in plain English. `hint` is the next step when no trade can mend it.
    """

    rule: str
    subject: str
    measured: float
    limit: float
    unit: str
    used: float
    status: Status
    sentence: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trim:
    """A reduce-only change of one position. Quantities signed as in `Position`; `cost` is dollars, fees and slippage.

    `slippage_known` False: no depth was given, so `cost` is fees alone. `rules` are the dotted keys of the rules that asked.
    """

    account: str
    symbol: str
    quantity_before: float
    quantity_after: float
    notional_closed: float
    fees: float
    slippage: float
    slippage_known: bool
    rules: tuple[str, ...]

    @property
    def cost(self) -> float:
        """Dollars this trim is expected to cost."""
        return self.fees + self.slippage


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What holds a plan back: a scenario or rule that binds, and its price: `per_dollar` is the dollars of trim cost
    that one more dollar of collateral in `account` would save."""

    name: str
    account: str
    per_dollar: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A set of trims that restores every rule a trade can restore, re-checked by the same decision function.

    `method` is "cheapest" or "uniform"; `uniform_scale` is set for the latter. `restores` says the re-check passed;
    `remaining` are the rule keys that no trim can mend.
    """

    method: str
    trims: tuple[Trim, ...]
    cost: float
    restores: bool
    uniform_scale: float | None
    bindings: tuple[Binding, ...]
    remaining: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyWanted:
    """The way out without a trim: dollars of collateral an account lacks to keep its margin in every scenario and its own
    leverage caps. `account` "book" is equity, wherever it stands, that caps on assets and on the book lack."""

    account: str
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyMove:
    """Money that a rule wants in a place, and one way for it to get there: a proposal, nothing is sent.

    `dollars` leave `source`, of which `fee` is what is known to be lost on the way; `beside` says what has no figure. Seconds
    until it arrives in half of all cases, and in nine of ten, without an outage. `source` "": so much cannot come, and `why`.
    """

    rule: str
    place: str
    asset: str
    dollars: float
    source: str = ""
    way: str = ""
    fee: float = 0.0
    typical_seconds: float | None = None
    slow_seconds: float | None = None
    beside: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a rule on funding asks of one position, as a run under the playbook would trade it. Quantities signed as in
    `Position`; `notional` dollars traded, `fees` dollars; `rule` the dotted key."""

    account: str
    symbol: str
    quantity_before: float
    quantity_after: float
    notional: float
    fees: float
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SleeveShare:
    """One capital sleeve: its dollars and its share of book equity now, beside what the playbook wants. None: not said.

    The last one may be named "unassigned": equity that belongs to no sleeve.
    """

    name: str
    capital: float
    share: float
    target: float | None
    least: float | None
    most: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillStanding:
    """Where a book stands with the drills its playbook asks for. `last_ns` None: never drilled. `due_ns` when the next is due
    (None: now). `told` : sentences on the last one and on what changed since."""

    status: Status
    last_ns: int | None
    due_ns: int | None
    folder: str | None
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All findings, worst first, the plans that would mend them (empty when nothing is broken), and the sleeves.

    `money_wanted` is what would mend the book in place of trims. `unplanned` says why no plan was
    sought although a rule is broken; None when one was, or none was needed. `drill` None: the playbook asks for none.
    `asked` is what rules on funding want traded, which plans of trims do not seek. `moves` : how money that rules want
    would come.
    """

    status: Status
    findings: tuple[Finding, ...]
    plans: tuple[Plan, ...]
    sleeves: tuple[SleeveShare, ...] = ()
    unplanned: str | None = None
    money_wanted: tuple[MoneyWanted, ...] = ()
    drill: DrillStanding | None = None
    asked: tuple[Asked, ...] = ()
    moves: tuple[MoneyMove, ...] = ()
