"""Venues' published rules, as dated data."""
