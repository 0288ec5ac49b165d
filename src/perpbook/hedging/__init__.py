"""Hedges: what the book is exposed to, what would take it away at least cost, and whether that holds in the tail."""
