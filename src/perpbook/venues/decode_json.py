"""What may go wrong in decoding a message, whatever it is of."""

from __future__ import annotations

import msgspec

BROKEN = (msgspec.MsgspecError, ValueError, OverflowError, RecursionError)
"""Bytes that are no text, no JSON, not of the shape, of times that are none, or nested without end."""
