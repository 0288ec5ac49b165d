"""Nouns: frozen values with their own invariants, nothing else."""
