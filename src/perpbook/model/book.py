"""Everything held: accounts, money on layers, transfers in flight."""

from __future__ import annotations

from dataclasses import dataclass

from perpbook.model.account import Account, Balance


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerBalance:
    """Money outside any margin account: on a chain, a rollup, a bank. locked : coins of it that cannot leave now. gas : whether
    it is what the layer's transactions are paid from; None: by its coin."""

    layer: str
    balance: Balance
    locked: float = 0.0
    gas: bool | None = None

    @property
    def bound(self) -> float:
        """Coins of it that may not leave: locked, or kept for fees."""
        return self.balance.amount if self.gas else self.locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money on its way. Counts as book equity, backs no account until it has arrived. routes : by id, in order, () where the book
    does not say. departed_ns, arrives_ns : None for not known. stuck : it will not come by itself."""

    asset: str
    amount: float
    source: str
    destination: str
    arrives_ns: int | None = None
    routes: tuple[str, ...] = ()
    departed_ns: int | None = None
    stuck: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A place or a transfer whose state is not known, and why."""

    what: str
    why: str


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
    unread: tuple[Unread, ...] = ()
    access: tuple[Access, ...] = ()

    def __post_init__(self) -> None:
        ids = [account.id for account in self.accounts]
        assert len(set(ids)) == len(ids), "account ids are unique"

    @property
    def layer_names(self) -> tuple[str, ...]:
        """Layers that accounts live on, then those with money beside."""
        own = [account.layer for account in self.accounts if account.layer]
        return tuple(dict.fromkeys([*own, *(held.layer for held in self.layers)]))
