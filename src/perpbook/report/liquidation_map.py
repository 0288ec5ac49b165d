"""The liquidation map: how far every account and position stands from its end, as one Plotly figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from perpbook.margin.assessment import AccountAssessment, Assessment, PositionAssessment
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.sections import liquidation_move
from perpbook.report.spoken import move, price

MAX_ACCOUNTS = 30
MAX_POSITIONS = 8
"""Per account, the nearest to liquidation; the tables below the figure have every one."""

FURTHEST = 0.6
"""The axis reaches no move beyond this; what lies further is marked at its end with the figure."""

ROOM = 0.1
"""Of the whole span, kept free at either end."""

TIGHT = 0.27
"""Of the axis: a mark this near to its edge has its figure on the inner side, so that a phone does not cut it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """One line of the map. An account has `ends` (falling, rising); a position has the one `at`. None: none."""

    name: str
    is_account: bool
    ends: tuple[float | None, float | None] = (None, None)
    at: float | None = None
    dead: bool = False
    told: str = ""


Lines = Sequence[tuple[int, MapRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The moves the axis reaches, `low` < 0 < `high`."""

    low: float
    high: float

    @property
    def edges(self) -> tuple[float, float]:
        """Where the axis ends: the span and the room for figures."""
        room = ROOM * (self.high - self.low)
        return self.low - room, self.high + room

    def side(self, at: float) -> str:
        """Where the figure of a mark stands: away from zero, or inwards when the edge is near."""
        first, last = self.edges
        place = (at - first) / (last - first)
        if place < TIGHT or place > 1 - TIGHT:
            return "middle right" if place < TIGHT else "middle left"
        return "middle left" if at < 0 else "middle right"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationMap:
    """The figure, and how many accounts and positions it leaves to the tables."""

    spec: Spec
    hidden_accounts: int
    hidden_positions: int


def liquidation_map(assessment: Assessment) -> LiquidationMap | None:
    """Accounts by what kills them first, each with its nearest positions; None for a book without accounts."""
    accounts = sorted(assessment.accounts, key=_nearness)[:MAX_ACCOUNTS]
    if not accounts:
        return None
    held: dict[str, list[PositionAssessment]] = {account.id: [] for account in accounts}
    for position in assessment.positions:
        if position.account in held:
            held[position.account].append(position)
    rows: list[MapRow] = []
    for account in accounts:
        nearest = sorted(held[account.id], key=lambda one: _size(liquidation_move(one)))[:MAX_POSITIONS]
        rows += [_account_row(account), *[_position_row(one) for one in nearest]]
    shown = sum(not row.is_account for row in rows)
    return LiquidationMap(
        spec=_figure(rows),
        hidden_accounts=len(assessment.accounts) - len(accounts),
        hidden_positions=len(assessment.positions) - shown,
    )


def _size(at: float | None) -> float:
    return float("inf") if at is None else abs(at)


def _nearness(account: AccountAssessment) -> float:
    return 0.0 if account.is_liquidatable else _size(account.liquidation_move)


def _account_row(account: AccountAssessment) -> MapRow:
    told = (
        f"{escape(account.id)} is past its liquidation now"
        if account.is_liquidatable
        else f"{escape(account.id)}: dies when every price moves<br>down {move(account.move_down)}, up {move(account.move_up)}"
    )
    ends = (account.move_down, account.move_up)
    return MapRow(name=account.id, is_account=True, ends=ends, dead=account.is_liquidatable, told=told)


def _position_row(position: PositionAssessment) -> MapRow:
    at = liquidation_move(position)
    told = f"{escape(position.symbol)} @ {escape(position.account)}<br>liquidation price {price(position.liquidation_price)}"
    return MapRow(name=position.symbol, is_account=False, at=at, told=f"{told}, a move of {move(at)}")


def _figure(rows: Sequence[MapRow]) -> Spec:
    count = len(rows)
    span = _span(rows)
    names = [f"<b>{label(row.name)}</b>" if row.is_account else label(row.name) for row in rows]
    shape = layout(
        60 + 25 * count,
        barmode="overlay",
        xaxis=axis(range=list(span.edges), tickformat="~%", side="top", tickangle=0),
        yaxis=axis(
            tickvals=list(range(count)), ticktext=names, range=[count - 0.4, -0.6], showgrid=False, zeroline=False,
            tickfont={"color": "--ink"},
        ),
    )  # fmt: skip
    numbered = list(enumerate(rows))
    living = [(number, row) for number, row in numbered if row.is_account and not row.dead]
    ends = [(number, end, row) for number, row in living for end in row.ends if end is not None]
    places = [(number, row.at, row) for number, row in numbered if not row.is_account and row.at is not None]
    return {
        "data": [
            _bands(living, span),
            _marks(ends, span, {"symbol": "line-ns", "color": "--ink", "size": 16}),
            _marks(places, span, {"symbol": "diamond", "color": "--series-1", "size": 9}),
            _endless(living, span),
            _words(
                [(number, "none", row) for number, row in numbered if not row.is_account and row.at is None], "--quiet"
            ),
            _words([(number, "✕ past its liquidation now", row) for number, row in numbered if row.dead], "--breach"),
        ],
        "layout": shape,
    }


def _span(rows: Sequence[MapRow]) -> Span:
    """Just wide enough for every move, at least 5 % and at most `FURTHEST` to either side."""
    moves = [at for row in rows for at in (*row.ends, row.at) if at is not None]
    return Span(
        low=max(min([*moves, -0.05]), -FURTHEST),
        high=min(max([*moves, 0.05]), FURTHEST),
    )


def _bands(living: Lines, span: Span) -> Spec:
    """How far all prices may move together: to the axis' edge where nothing ends it."""
    first, last = span.edges
    lows = [first if row.ends[0] is None else max(row.ends[0], first) for _, row in living]
    highs = [last if row.ends[1] is None else min(row.ends[1], last) for _, row in living]
    return {
        "type": "bar", "orientation": "h", "y": [number for number, _ in living], "base": lows,
        "x": [high - low for low, high in zip(lows, highs, strict=True)], "width": 0.62,
        "marker": {"color": "--band"}, "hoverinfo": "skip",
    }  # fmt: skip


def _marks(places: Sequence[tuple[int, float, MapRow]], span: Span, mark: Spec) -> Spec:
    """Marks with their figures beside them; beyond the span an arrow stands at its end."""
    stands = [max(span.low, min(span.high, at)) for _, at, _ in places]
    arrows = [
        "triangle-left" if at < span.low else "triangle-right" if at > span.high else mark["symbol"]
        for _, at, _ in places
    ]
    return {
        "type": "scatter", "mode": "markers+text", "y": [number for number, *_ in places], "x": stands,
        "text": [f" {move(at)} " for _, at, _ in places], "hovertext": [row.told for *_, row in places],
        "hoverinfo": "text", "textposition": [span.side(at) for at in stands],
        "textfont": {"color": "--ink", "size": 11}, "cliponaxis": False,
        "marker": {**mark, "symbol": arrows, "line": {"color": mark["color"], "width": 2}},
    }  # fmt: skip


def _endless(living: Lines, span: Span) -> Spec:
    """Sides of an account that no joint move ends, said at the edge of the band."""
    open_ends = [(number, side, row) for number, row in living for side in (0, 1) if row.ends[side] is None]
    return {
        **_words([(number, "none", row) for number, _, row in open_ends], "--quiet"),
        "x": [span.edges[side] for _, side, _ in open_ends],
        "textposition": ["middle left" if side else "middle right" for _, side, _ in open_ends],
    }


def _words(lines: Sequence[tuple[int, str, MapRow]], colour: str) -> Spec:
    return {
        "type": "scatter", "mode": "text", "y": [number for number, *_ in lines], "x": [0.0 for _ in lines],
        "text": [f" {text} " for _, text, _ in lines], "textposition": "middle right", "textfont": {"color": colour, "size": 11},
        "hovertext": [row.told for *_, row in lines], "hoverinfo": "text", "cliponaxis": False,
    }  # fmt: skip
