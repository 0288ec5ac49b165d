"""Exchanges, spoken to: the only room that knows their client."""
