"""Who of several providers is believed: more than half of all, of the right chain, of like height, with the same past.

It asks nobody: what was read goes in. A provider that is away, lags, is of another chain, or tells another past is named and
left out; where what is left is not more than half of all that were asked, and two at least, nobody is believed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from perpbook.health.node import Tip
from perpbook.model.health import Agreement

FEWEST = 2
Value = TypeVar("Value", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one provider said first: its chain and newest block, or what was wrong."""

    provider: str
    chain: str = ""
    tip: Tip | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Providers that may be believed so far, by their newest blocks; who was left out; and how many there must be."""

    tips: Mapping[str, Tip]
    left_out: Mapping[str, str]
    needed: int
    why: str = ""

    @property
    def lowest(self) -> int:
        """The height that all of them have."""
        return min((tip.height for tip in self.tips.values()), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote(Generic[Value]):
    """What more than half say, None where there is no such thing; who says otherwise."""

    value: Value | None
    won: bool
    left_out: Mapping[str, str] = field(default_factory=dict)


def needed_of(count: int) -> int:
    """How many of so many must say the same: more than half, two at least."""
    return max(FEWEST, count // 2 + 1)


def group_of(seen: Sequence[Seen], chain: str, within: int, unit: str = "block") -> Group:
    """The largest group of providers of a chain whose heights are no more than `within` apart; `unit` is what they count."""
    left_out, tips = {}, {}
    for one in seen:
        if one.fault or one.tip is None:
            left_out[one.provider] = one.fault or "says nothing"
        elif one.chain != chain:
            left_out[one.provider] = f"is of chain {one.chain}, not of {chain}"
        else:
            tips[one.provider] = one.tip
    needed = needed_of(len(seen))
    best = _closest(tips, within)
    kept = {name: tip for name, tip in tips.items() if best <= tip.height <= best + within}
    for name, tip in tips.items():
        if name not in kept and len(kept) >= needed:
            away = tip.height - (best if tip.height < best else max(one.height for one in kept.values()))
            left_out[name] = f"is {abs(away):,} {unit}s {'behind' if away < 0 else 'ahead of'} the others"
    if len(kept) >= needed:
        return Group(tips=kept, left_out=left_out, needed=needed)
    return Group(tips={}, left_out=left_out, needed=needed, why=_short_of(seen, tips, needed))


def _closest(tips: Mapping[str, Tip], within: int) -> int:
    """The lowest height of the largest group that is close together; of equal ones the highest."""
    heights = sorted(tip.height for tip in tips.values())
    if not heights:
        return 0
    return max(heights, key=lambda low: (sum(low <= one <= low + within for one in heights), low))


def _short_of(seen: Sequence[Seen], tips: Mapping[str, Tip], needed: int) -> str:
    if len(seen) < FEWEST:
        return f"{len(seen)} provider is no quorum: name {FEWEST} or more"
    if len(tips) >= needed:
        told = ", ".join(f"{name} at {tip.height:,}" for name, tip in sorted(tips.items()))
        return f"providers disagree on the height: {told}"
    return f"{len(tips)} of {len(seen)} providers can be believed, {needed} are needed"


def settled(group: Group, blocks: Mapping[str, Tip | str]) -> Agreement:
    """The agreement of a group on one block: by provider the block at a depth, or what was wrong."""
    if group.why:
        return Agreement(left_out=group.left_out, why=group.why)
    said = {name: _after(group.tips[name], block) for name, block in blocks.items() if name in group.tips}
    vote = vote_on(said, group.needed, "block at that depth")
    left_out = {**group.left_out, **vote.left_out}
    block = vote.value
    if not isinstance(block, Tip):
        return Agreement(left_out=left_out, why="providers disagree on the block at a depth")
    kept = {name: tip for name, tip in group.tips.items() if name not in vote.left_out}
    # The older of two, the lower median of more: one liar cannot make a chain look younger than it is.
    times = sorted(tip.time_s for tip in kept.values())
    return Agreement(
        providers=tuple(sorted(kept)), left_out=left_out, tip=min(tip.height for tip in kept.values()),
        time_s=times[(len(times) - 1) // 2], height=block.height, hash=block.hash, why="",
    )  # fmt: skip


def _after(tip: Tip, block: Tip | str) -> Tip | str:
    """A block below a tip, or what is wrong with that."""
    younger = isinstance(block, Tip) and block.time_s > tip.time_s
    return "gives a newest block that is older than those below it" if younger else block


def vote_on(said: Mapping[str, Value | str], needed: int, what: str) -> Vote[Value]:
    """What `needed` of them say alike; text is what went wrong."""
    left_out = {name: one for name, one in said.items() if isinstance(one, str)}
    counts = Counter(one for one in said.values() if not isinstance(one, str))
    value, count = counts.most_common(1)[0] if counts else (None, 0)
    if count < needed:
        return Vote(value=None, won=False, left_out=left_out)
    other = {name: f"gives another {what}" for name, one in said.items() if not isinstance(one, str) and one != value}
    return Vote(value=value, won=True, left_out={**left_out, **other})


def without(agreement: Agreement, vote: Vote[Value], needed: int) -> Agreement:
    """An agreement after one more question: those who said otherwise are out."""
    kept = tuple(name for name in agreement.providers if name not in vote.left_out)
    left_out = {**agreement.left_out, **vote.left_out}
    if len(kept) >= needed:
        return replace(agreement, providers=kept, left_out=left_out)
    return Agreement(left_out=left_out, why=f"only {len(kept)} providers still agree, {needed} are needed")
