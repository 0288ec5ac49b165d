"""A treasury as a check tells it: a few sentences, and the same for machines."""

from __future__ import annotations

from perpbook.report.spoken import counted, money
from perpbook.report.treasury_status_text import flight_words
from perpbook.report.treasury_told import TreasuryTold, level_title, level_words


def money_sentences(told: TreasuryTold) -> list[str]:
    """Where money stands, what is under way, what is short of its reserve, what cannot be read."""
    sums = (
        ("free", "free"),
        ("posted", "posted as margin"),
        ("gas", "of gas"),
        ("arriving", "under way"),
        ("locked", "locked"),
    )
    parts = [f"{money(told.sum_of(part))} {words}" for part, words in sums if told.sum_of(part) > 0.0]
    places = counted(len({one.place for one in told.held}), "place", "places")
    out = [f"{', '.join(parts)}, in {places}."] if parts else ["There is no money anywhere."]
    for one in map(flight_words, told.forecasts):
        out.append(one if one.startswith("Under way") else f"Under way: {one}")
    for level in told.levels or ():
        if level.short > 0.0:
            out.append(f"Short: {level_title(level, told)}, {level_words(level)}: {level.why}.")
    if told.holdings.unread:
        out.append(f"Nothing new may start while this is unread: {'; '.join(told.holdings.unread)}.")
    return out


def money_document(told: TreasuryTold) -> dict[str, object]:
    """The same for --json: dollars, seconds."""
    parts = ("free", "posted", "gas", "arriving", "leaving", "owed", "locked")
    return {
        **{part: told.sum_of(part) for part in parts},
        "may_start": told.holdings.may_start, "unread": told.holdings.unread,
        "under_way": [
            {"from": one.flight.source, "to": one.flight.destination, "asset": one.flight.asset, "dollars": one.flight.dollars,
             "typical_seconds": one.typical, "most_seconds": one.most, "stuck": one.stuck}
            for one in told.forecasts
        ],
        "short": [
            {"place": one.place, "kind": one.kind, "dollars": one.short, "seconds": one.seconds, "why": one.why}
            for one in told.levels or () if one.short > 0.0
        ],
    }  # fmt: skip
