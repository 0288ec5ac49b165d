"""Why a plan cuts a position: the playbook rules that asked for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from perpbook.kernels.state import Policy, State
from perpbook.margin.arrays import Item
from perpbook.margin.assess import Assessed
from perpbook.model.verdict import Finding
from perpbook.playbook.hardship_judge import HARD
from perpbook.playbook.words import position_name
from perpbook.sizing.cheapest import Price

OWN = ("guardrails.position_loss", "liquidity.max_depth_share")
"""Rules about a single position, which name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What broken rules and binding limits say, by the subject they are about.

    `findings` are (rule, subject) of the rules broken today, an account that dies in a scenario under its own name even
    where the verdict names a worse one; `binding` are those that hold a plan back.
    """

    findings: tuple[tuple[str, str], ...]
    binding: tuple[tuple[str, str], ...] = ()

    def rules(self, assessed: Assessed, item: Item) -> tuple[str, ...]:
        """The rules that asked for a trim of this position: its own, then those that bind, or else those broken.

        A position that none of them is about was cut along with the whole book: then every broken rule asked.
        """
        name, account = position_name(assessed, item), assessed.arrays.accounts[item.account].id
        own = [rule for rule, subject in (*self.findings, *self.binding) if rule.startswith(OWN) and subject == name]

        def around(pairs: Iterable[tuple[str, str]]) -> list[str]:
            return [rule for rule, subject in pairs if subject == _subject(rule, account, item.asset)]

        asked = [*own, *(around(self.binding) or around(self.findings))] or [rule for rule, _ in self.findings]
        return tuple(dict.fromkeys(asked))


def _subject(rule: str, account: str, asset: str) -> str:
    """What a rule would name if it were about a position of this asset in this account."""
    if rule.startswith(("leverage.asset", "hedge.")):
        return asset
    return "book" if rule.startswith("leverage.book") else account


def asked_by(
    assessed: Assessed, state: State, policy: Policy, broken: Iterable[Finding], prices: Iterable[Price] = ()
) -> Asked:
    """Collect what asks for trims: `broken` findings that a trim could end, and a solution's prices."""
    others = [(one.rule, one.subject) for one in broken if one.rule in HARD or not one.rule.startswith("survival.")]
    return Asked(
        findings=(*_deaths(assessed, state, policy), *others),
        binding=tuple((one.rule, one.subject) for one in prices),
    )


def _deaths(assessed: Assessed, state: State, policy: Policy) -> list[tuple[str, str]]:
    """(survival rule, account) for every account that misses its margin in some scenario of that kind."""
    short = (1.0 + policy.buffer) * state.stress_maintenance > state.stress_equity
    names = [account.id for account in assessed.arrays.accounts]
    pairs = [
        (f"survival.{scenario.kind}", name)
        for s, scenario in enumerate(assessed.scenarios)
        for a, name in enumerate(names)
        if short[a, s]
    ]
    return list(dict.fromkeys(pairs))
