"""The liquidation map: how far every account and position stands from its end, as one Plotly figure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from perpbook.margin.assessment import AccountAssessment, Assessment, PositionAssessment
from perpbook.report.figures import Spec, axis, label, layout
from perpbook.report.sections import liquidation_move
from perpbook.report.spoken import move, price

MAX_ACCOUNTS = 30
MAX_POSITIONS = 8
"""Per account, the nearest to liquidation; the tables below the figure have every one."""

FURTHEST = 1.0
"""No axis reaches beyond a move of 100 %; what lies further is marked at the edge with its figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapRow:
    """One line of the map. An account has `ends` (falling, rising); a position has the one `at`. None: none."""

    name: str
    is_account: bool
    ends: tuple[float | None, float | None] = (None, None)
    at: float | None = None
    dead: bool = False
    told: str = ""


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
    moves = [abs(at) for row in rows for at in (*row.ends, row.at) if at is not None]
    reach = min(max([*moves, 0.1]), FURTHEST)
    count = len(rows)
    names = [f"<b>{label(row.name)}</b>" if row.is_account else label(row.name) for row in rows]
    shape = layout(
        60 + 25 * count,
        barmode="overlay",
        xaxis=axis(range=[-1.3 * reach, 1.3 * reach], tickformat="+.0%", side="top"),
        yaxis=axis(
            tickvals=list(range(count)), ticktext=names, range=[count - 0.4, -0.6], showgrid=False, zeroline=False,
            tickfont={"color": "--ink"},
        ),
    )  # fmt: skip
    return {"data": [_bands(rows, reach), _ends(rows, reach), _positions(rows, reach), _without(rows), _dead(rows)], "layout": shape}


def _bands(rows: Sequence[MapRow], reach: float) -> Spec:
    """How far all prices may move together: to the axis' edge where nothing ends it."""
    edge = 1.3 * reach
    spans = [
        (number, max(-edge if row.ends[0] is None else row.ends[0], -edge), min(edge if row.ends[1] is None else row.ends[1], edge))
        for number, row in enumerate(rows)
        if row.is_account and not row.dead
    ]
    return {
        "type": "bar", "orientation": "h", "y": [number for number, *_ in spans], "base": [low for _, low, _ in spans],
        "x": [high - low for _, low, high in spans], "width": 0.62, "marker": {"color": "--band"}, "hoverinfo": "skip",
    }  # fmt: skip


def _ends(rows: Sequence[MapRow], reach: float) -> Spec:
    ends = [
        (number, end, row)
        for number, row in enumerate(rows)
        if row.is_account and not row.dead
        for end in row.ends
        if end is not None
    ]
    return _marks(ends, reach, symbol="line-ns", colour="--ink", size=16)


def _positions(rows: Sequence[MapRow], reach: float) -> Spec:
    places = [(number, row.at, row) for number, row in enumerate(rows) if not row.is_account and row.at is not None]
    return _marks(places, reach, symbol="diamond", colour="--series-1", size=9)


def _marks(places: Iterable[tuple[int, float, MapRow]], reach: float, *, symbol: str, colour: str, size: int) -> Spec:
    """Marks with their figures written on the side away from zero; beyond the axis an arrow stands at its edge."""
    found = list(places)
    edges = [max(-reach, min(reach, at)) for _, at, _ in found]
    arrows = ["triangle-left" if at < -reach else "triangle-right" if at > reach else symbol for _, at, _ in found]
    return {
        "type": "scatter", "mode": "markers+text", "y": [number for number, *_ in found], "x": edges,
        "text": [move(at) for _, at, _ in found], "hovertext": [row.told for *_, row in found], "hoverinfo": "text",
        "textposition": ["middle left" if at < 0 else "middle right" for at in edges], "textfont": {"color": "--ink", "size": 11},
        "marker": {"symbol": arrows, "color": colour, "size": size, "line": {"color": colour, "width": 2}},
        "cliponaxis": False,
    }  # fmt: skip


def _without(rows: Sequence[MapRow]) -> Spec:
    """Positions whose price alone liquidates nothing."""
    free = [(number, row) for number, row in enumerate(rows) if not row.is_account and row.at is None]
    return _words([(number, "none", row) for number, row in free], "--quiet")


def _dead(rows: Sequence[MapRow]) -> Spec:
    dead = [(number, row) for number, row in enumerate(rows) if row.dead]
    return _words([(number, "✕ past its liquidation now", row) for number, row in dead], "--breach")


def _words(lines: Sequence[tuple[int, str, MapRow]], colour: str) -> Spec:
    return {
        "type": "scatter", "mode": "text", "y": [number for number, *_ in lines], "x": [0.0 for _ in lines],
        "text": [f" {text}" for _, text, _ in lines], "textposition": "middle right", "textfont": {"color": colour, "size": 11},
        "hovertext": [row.told for *_, row in lines], "hoverinfo": "text", "cliponaxis": False,
    }  # fmt: skip
