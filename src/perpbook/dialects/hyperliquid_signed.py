"""Who signed a Hyperliquid action: the address recovered from its EIP-712 signature.

Source: `hyperliquid/utils/signing.py` of the venue's Python client. Both sources are tried: `a` is the main network's, `b` the
test network's, which that client signs for whenever the address is not the main network's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perpbook.dialects.asked import Unreadable, Unsigned, mapping, whole
from perpbook.errors import InputError

NOBODY = "0x" + "0" * 40
DOMAIN_TYPES = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
AGENT_TYPES = [{"name": "source", "type": "string"}, {"name": "connectionId", "type": "bytes32"}]
BUILDER_FEE_TYPES = [
    {"name": "hyperliquidChain", "type": "string"},
    {"name": "maxFeeRate", "type": "string"},
    {"name": "builder", "type": "address"},
    {"name": "nonce", "type": "uint64"},
]
USER_SIGNED = {"approveBuilderFee": ("HyperliquidTransaction:ApproveBuilderFee", BUILDER_FEE_TYPES)}
"""Actions that the user signs word by word, and what they sign."""


def signer(body: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """The address that signed a request, one of those `known`.

    Raises
    ------
    Unsigned : nobody known did.
    Unreadable : there is no signature to read.
    """
    action = mapping(body.get("action"), "action")
    found = [recovered(message, body) for message in messages(action, body)]
    for address in found:
        if address in known:
            return address
    raise Unsigned(f"User or API Wallet {found[0] if found else NOBODY} does not exist.")


def messages(action: Mapping[str, Any], body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Typed data that the signature may be of."""
    kind = action.get("type")
    if kind in USER_SIGNED:
        primary, types = USER_SIGNED[str(kind)]
        return [typed("HyperliquidSignTransaction", chain(action), primary, types, dict(action))]
    hashed = action_hash(action, body)
    return [
        typed("Exchange", 1337, "Agent", AGENT_TYPES, {"source": source, "connectionId": hashed}) for source in "ab"
    ]


def chain(action: Mapping[str, Any]) -> int:
    """The chain that the user signed for."""
    given = action.get("signatureChainId")
    try:
        return int(str(given), 16)
    except ValueError:
        raise Unreadable("signatureChainId is not a hexadecimal number") from None


def typed(
    name: str, chain_id: int, primary: str, types: list[dict[str, str]], message: dict[str, Any]
) -> dict[str, Any]:
    """EIP-712 typed data."""
    return {
        "domain": {"name": name, "version": "1", "chainId": chain_id, "verifyingContract": NOBODY},
        "types": {primary: types, "EIP712Domain": DOMAIN_TYPES},
        "primaryType": primary,
        "message": {one["name"]: message.get(one["name"]) for one in types},
    }


def action_hash(action: Mapping[str, Any], body: Mapping[str, Any]) -> bytes:
    """What stands for an action in its signature: keys in the order they were sent."""
    try:
        import msgpack
        from eth_utils.crypto import keccak
    except ImportError:
        raise InputError("signatures are verified with eth-account: pip install 'perpbook[sim]'") from None
    try:
        data = msgpack.packb(action) + whole(body.get("nonce"), "nonce").to_bytes(8, "big")
        vault, expires = body.get("vaultAddress"), body.get("expiresAfter")
        data += b"\x00" if vault is None else b"\x01" + bytes.fromhex(str(vault).removeprefix("0x"))
        if expires is not None:
            data += b"\x00" + whole(expires, "expiresAfter").to_bytes(8, "big")
    except (OverflowError, ValueError, TypeError):
        raise Unreadable("the action cannot be hashed") from None
    return bytes(keccak(data))


def recovered(message: dict[str, Any], body: Mapping[str, Any]) -> str:
    """The address that signed typed data, lower case; nobody's where the signature is of no key."""
    from eth_abi.exceptions import EncodingError
    from eth_account import Account
    from eth_account.messages import encode_typed_data
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError

    signature = mapping(body.get("signature"), "signature")
    try:
        vrs = (whole(signature.get("v"), "v"), int(str(signature.get("r")), 16), int(str(signature.get("s")), 16))
        return str(Account.recover_message(encode_typed_data(full_message=message), vrs=vrs)).lower()
    except Unreadable:
        raise
    except (ValueError, TypeError, OverflowError, AttributeError, BadSignature, EncodingError, ValidationError):
        return NOBODY
