"""A venue's refusal, from its words to a closed set of reasons."""

from __future__ import annotations

from perpbook.model.order import RejectReason

WORDS = (
    ("builder fee", RejectReason.BUILDER),
    ("reduce", RejectReason.REDUCE_ONLY),
    ("margin", RejectReason.MARGIN),
    ("insufficient", RejectReason.MARGIN),
    ("post only", RejectReason.POST_ONLY),
    ("post-only", RejectReason.POST_ONLY),
    ("could not immediately match", RejectReason.PRICE),
    ("minimum value", RejectReason.SIZE),
    ("min notional", RejectReason.SIZE),
    ("lot size", RejectReason.SIZE),
    ("precision", RejectReason.SIZE),
    ("quantity", RejectReason.SIZE),
    ("price", RejectReason.PRICE),
    ("duplicate", RejectReason.DUPLICATE),
    ("placed before", RejectReason.DUPLICATE),
    ("already been processed", RejectReason.DUPLICATE),
    ("too many", RejectReason.RATE_LIMIT),
    ("signature", RejectReason.AUTH),
    ("api-key", RejectReason.AUTH),
    ("halted", RejectReason.CLOSED),
)
"""What a refusal's words are about, the first that is found."""


def reason_in(words: str) -> RejectReason:
    """A refusal in a closed set of reasons."""
    folded = words.lower()
    return next((reason for word, reason in WORDS if word in folded), RejectReason.OTHER)
