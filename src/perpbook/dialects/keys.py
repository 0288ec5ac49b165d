"""Made-up keys of simulated accounts: drawn from a seed, good for nothing but this server."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from perpbook.errors import InputError

CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
"""Of bech32 (BIP 173)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpKey:
    """What a client signs with. `public` : the address, or Binance's API key; `secret` : private key or API secret."""

    account: str
    public: str
    secret: str = field(repr=False)


def made_up_key(venue: str, account: str, seed: int) -> MadeUpKey:
    """The key of an account at a venue; the same for the same seed."""
    drawn = hashlib.sha256(f"perpbook venue-sim, not a real key: {seed} {venue} {account}".encode()).digest()
    if venue == "hyperliquid":
        return MadeUpKey(account=account, public=ethereum_address(drawn), secret="0x" + drawn.hex())
    if venue == "dydx":
        return MadeUpKey(account=account, public=bech32("dydx", drawn[:20]), secret="0x" + drawn.hex())
    public = hashlib.sha256(b"public" + drawn).hexdigest()
    return MadeUpKey(account=account, public=public, secret=drawn.hex())


def ethereum_address(private: bytes) -> str:
    """The address of a private key, lower case.

    Raises
    ------
    InputError : the library that knows curves is not installed.
    """
    try:
        from eth_account import Account
    except ImportError:
        raise InputError("signatures are verified with eth-account: pip install 'perpbook[sim]'") from None
    return str(Account.from_key(private).address).lower()


def bech32(prefix: str, data: bytes) -> str:
    """An address of the Cosmos kind (BIP 173)."""
    words = five_bits(data)
    expanded = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    check = polymod(expanded + words + [0] * 6) ^ 1
    words += [(check >> 5 * (5 - number)) & 31 for number in range(6)]
    return prefix + "1" + "".join(CHARSET[word] for word in words)


def five_bits(data: bytes) -> list[int]:
    """Bytes in groups of five bits; their number of bits must be whole groups."""
    bits = "".join(f"{byte:08b}" for byte in data)
    return [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]


def polymod(words: list[int]) -> int:
    """The checksum of BIP 173."""
    generators = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
    reached = 1
    for word in words:
        top = reached >> 25
        reached = (reached & 0x1FFFFFF) << 5 ^ word
        for number, generator in enumerate(generators):
            reached ^= generator if (top >> number) & 1 else 0
    return reached
