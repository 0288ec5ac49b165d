"""What a playbook asks of money, in plain English: losses, reserves, gas, bridges, stablecoins, top-ups."""

from __future__ import annotations

from collections.abc import Iterator

from perpbook.playbook.figures import listing, percent, plain
from perpbook.playbook.schema import Layers, Shares

TOP_UPS = {
    "never": "Collateral that accounts lack is not asked for.",
    "propose": "For collateral that accounts lack the check proposes what to send, and which way.",
    "auto": "Collateral that accounts lack is sent.",
}


def loss_sentence(section: Shares, place: str) -> str:
    """What must be left once one is lost."""
    return (
        f"Once any one {place} is lost and the worst survival move has come, at least {percent(section.left_after_loss)} of book "
        "equity must be left."
    )


def layer_sentences(layers: Layers) -> Iterator[str]:
    """What must stand on layers, and how much may hang on one bridge or coin."""
    if layers.bridge_max_share is not None:
        yield f"At most {percent(layers.bridge_max_share)} of book equity may be under way over one family of bridges."
    if layers.stablecoin_max_share is not None:
        yield f"At most {percent(layers.stablecoin_max_share)} of book equity may stand in any one stablecoin."
    if layers.reserves:
        named = listing(f"${plain(dollars)} on {name}" for name, dollars in layers.reserves.items())
        yield f"At least so much in stablecoins must be free, what is on its way there counted: {named}."
    if layers.gas:
        named = listing(f"{plain(coins)} {coin_of(layers, name)} on {name}" for name, coins in layers.gas.items())
        yield f"At least so much must be there for fees: {named}."


def coin_of(layers: Layers, name: str) -> str:
    """The coin of a layer's fees as the playbook has it."""
    return (layers.gas_coins or {}).get(name, "of its own coin")
