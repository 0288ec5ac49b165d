"""What a playbook says of an exit, in plain English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from perpbook.model.verdict import Finding, Status
from perpbook.playbook.exit_section import Exit
from perpbook.playbook.figures import listing, percent, plain, quoted

JUDGED = ("leverage", "survival", "guardrails", "funding", "venues", "layers", "drill", "hedge", "liquidity")
"""Sections with rules that may be broken."""

ALWAYS = "account.margin"
"""The venue's own rule, which no playbook need set: an account keeps its maintenance margin."""

LAST = "the account nearest to its liquidation first"


def exit_sentences(exit_: Exit) -> Iterator[str]:
    """What starts it, and how it goes."""
    yield f"An exit starts {triggers_in_words(exit_.triggers)}."
    steps = "at once" if exit_.steps == 1 else f"in {exit_.steps} steps each"
    yield (
        f"It closes {order_in_words(exit_.order)}, {steps}, at prices at most {percent(exit_.slippage_max)} worse than those "
        "margin is taken on."
    )
    if exit_.destination is not None:
        yield f'Once all is closed, money goes to the layer "{exit_.destination}".'


def triggers_in_words(triggers: Sequence[str]) -> str:
    """When it starts."""
    return f"by command, or once {listing(sorted(triggers), 'or')} is broken" if triggers else "by command only"


def order_in_words(order: Sequence[str]) -> str:
    """What goes first."""
    if not order:
        return f"account by account, {LAST}"
    return f"{', then '.join(quoted(tuple(order)))}, then the rest, {LAST}"


def exit_time_sentence(minutes: float) -> str:
    """What [liquidity] max_exit_minutes asks."""
    return f"Closing everything may take at most {plain(minutes)} minutes; `perpbook exit plan` judges it, the check does not."


def is_rule_in_force(playbook: BaseModel, key: str) -> bool:
    """Whether a dotted key names a rule that a playbook sets."""
    section, *names = key.split(".")
    found = getattr(playbook, section, None) if section in JUDGED else None
    for name in names:
        found = found.get(name) if isinstance(found, dict) else getattr(found, name, None)
    return key == ALWAYS or not (found is None or found is False or found == () or found == {})


def is_about(trigger: str, finding: Finding) -> bool:
    """Whether a finding is of the rule that a trigger names, or of one below or above it."""
    rule = finding.rule
    return rule == trigger or rule.startswith(f"{trigger}.") or trigger.startswith(f"{rule}.")


def is_triggered_by(trigger: str, finding: Finding) -> bool:
    """Whether a finding is a breach of it."""
    return is_about(trigger, finding) and finding.status is Status.BREACH
