"""Funding: what it costs, what it will cost, and how surely that is known."""
