"""Benchmarks: each prints one JSON document with a baseline and a floor measured in the same run."""
