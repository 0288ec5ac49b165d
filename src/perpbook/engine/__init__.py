"""Runs through time: backtests, drills, and the clock."""
