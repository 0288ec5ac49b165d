"""Check a book from Python: what a margin buffer costs.

Run: python examples/check_a_book.py
"""

from __future__ import annotations

from perpbook.examples.catalogue import book_file
from perpbook.playbook.load import parse_playbook
from perpbook.runs.check import check_snapshot, load_all_terms
from perpbook.snapshot import load_snapshot

RULES = """
schema_version = 1
name = "buffer of {buffer}"
[survival]
moves = [0.05, 0.10, 0.15]
kinds = ["joint", "asset", "beta"]
buffer = {buffer}
"""


def main() -> None:
    """Print, for several buffers, whether the book survives and what the cheapest trims cost."""
    snapshot = load_snapshot(book_file("directional"))
    terms = load_all_terms(snapshot)
    print("prices are examples" if snapshot.market.simulated else snapshot.market.source)
    for buffer in (0.0, 0.25, 0.5, 1.0):
        result = check_snapshot(snapshot, parse_playbook(RULES.format(buffer=buffer), "rules"), terms)
        plan = result.verdict.plans[0]
        trims = ", ".join(f"{trim.symbol} to {trim.quantity_after:g}" for trim in plan.trims)
        print(
            f"buffer {buffer:4.0%}: {result.verdict.status.value}; {plan.method} trims cost ${plan.cost:,.2f}: {trims}"
        )


if __name__ == "__main__":
    main()
