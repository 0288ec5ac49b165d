"""Seeded playbooks, as text: every rule that a run can judge, each there or not, tight or loose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Chance = np.random.Generator


def seeded_playbook(draw: Chance, venues: Sequence[str]) -> str:
    """A playbook; about one in eight asks for nothing."""
    if draw.random() < 0.125:
        return "schema_version = 1\n"
    sections = [leverage(draw), survival(draw), guardrails(draw), funding(draw, venues), rebalance(draw), places(draw)]
    sections.append(hedge(draw))
    return "\n".join(["schema_version = 1", *(one for one in sections if draw.random() < 0.6)]) + "\n"


def some(draw: Chance, **lines: str) -> list[str]:
    """Each line, or not."""
    return [f"{key} = {value}" for key, value in lines.items() if draw.random() < 0.5]


def number(draw: Chance, low: float, high: float) -> str:
    return repr(round(float(np.exp(draw.uniform(np.log(low), np.log(high)))), 4))


def leverage(draw: Chance) -> str:
    out = []
    if draw.random() < 0.5:
        out += ["[leverage.asset]", f"default = {number(draw, 0.3, 4)}", *some(draw, BTC=number(draw, 0.3, 4))]
    for scope in ("account", "book"):
        caps = some(draw, gross=number(draw, 0.5, 8), net=number(draw, 0.3, 6), effective=number(draw, 1.5, 15))
        out += [f"[leverage.{scope}]", *caps] if caps else []
    return "\n".join(out)


def survival(draw: Chance) -> str:
    kinds = [kind for kind in ("joint", "asset", "beta", "broken") if draw.random() < 0.5] or ["joint"]
    moves = sorted({round(float(draw.uniform(0.01, 0.4)), 3) for _ in range(int(draw.integers(1, 4)))})
    rest = some(draw, buffer=number(draw, 0.05, 1.0), correlation_stress=number(draw, 0.1, 1.0))
    return "\n".join(["[survival]", f"moves = {moves}", f"kinds = {kinds}".replace("'", '"'), *rest])


def guardrails(draw: Chance) -> str:
    steps = sorted({round(float(draw.uniform(0.005, 0.2)), 4) for _ in range(int(draw.integers(1, 4)))})
    ladder = ", ".join(f"{{ gain = {gain}, close = {number(draw, 0.05, 1.0)} }}" for gain in steps)
    lines = some(
        draw, position_loss=number(draw, 0.01, 0.3), daily_drawdown=number(draw, 0.005, 0.2),
        weekly_drawdown=number(draw, 0.01, 0.4), take_profit=f"[{ladder}]",
        drawdown_action='"halt"', rearm='"manual"' if draw.random() < 0.3 else '"next"',
    )  # fmt: skip
    lines += [f"slack = {draw.choice([0.0, 0.05, 0.3])}", f"cooldown_minutes = {draw.choice([0, 10, 60, 600])}"]
    return "\n".join(["[guardrails]", *lines])


def funding(draw: Chance, venues: Sequence[str]) -> str:
    lines = some(
        draw, daily_cap=number(draw, 1e-4, 2e-2),
        daily_cap_asset=f"{{ default = {number(draw, 1e-4, 1e-2)}, BTC = {number(draw, 1e-4, 1e-2)} }}",
        daily_cap_venue=f"{{ {draw.choice(list(venues))} = {number(draw, 1e-4, 1e-2)} }}",
        projected_cap=number(draw, 1e-4, 2e-2), flip_after=str(draw.integers(1, 5)), expected_max=number(draw, 0.02, 2.0),
        response=str(draw.choice(['"close"', '"rotate"', '"move"'])), payback_days=number(draw, 1, 300),
        skew_alert=number(draw, 0.02, 2.0),
    )  # fmt: skip
    return "\n".join(["[funding]", *lines])


def hedge(draw: Chance) -> str:
    return "\n".join(["[hedge]", f"delta_band = {number(draw, 0.02, 3)}", *some(draw, assets='["BTC", "SOL"]')])


def rebalance(draw: Chance) -> str:
    cadence = draw.choice(["daily", "weekly", "0 */4 * * *", "30 8 * * 1-5"])
    lines = [f'cadence = "{cadence}"', f"drift = {number(draw, 1e-3, 0.2)}"]
    lines += some(draw, minimum_trade="100", cost_aware="false", timezone='"Europe/Zurich"')
    return "\n".join(["[rebalance]", *lines])


def places(draw: Chance) -> str:
    """Sleeves, margin modes, venues and layers: measured, and mended by no trade."""
    out = ["[capital]", 'sleeves = [{ name = "core", tags = ["core"], min = 0.1, max = 0.7 }, { name = "reserve" }]']
    if draw.random() < 0.5:
        out += ["[margin]", 'isolated = ["core"]']
    return "\n".join([*out, "[venues]", "max_share = 0.5", "[layers]", "max_share = 0.5"])
