"""Everything held: accounts, money on layers, transfers in flight."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.model.account import Account, Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBalance:
    """Money outside any margin account: on a chain, a rollup, a bank."""

    layer: str
    balance: Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money on its way. Counts as book equity, backs no account until it has arrived."""

    asset: str
    amount: float
    source: str
    destination: str
    arrives_ns: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Through which providers a layer is reached, as the trader says it; a provider's cloud, "" where nobody says."""

    layer: str
    providers: tuple[str, ...]
    clouds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """A trader's whole holdings at one instant (`as_of_ns`, nanoseconds UTC)."""

    as_of_ns: int
    source: str
    accounts: tuple[Account, ...] = ()
    layers: tuple[LayerBalance, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    access: tuple[Access, ...] = ()

    def __post_init__(self) -> None:
        ids = [account.id for account in self.accounts]
        assert len(set(ids)) == len(ids), "account ids are unique"
