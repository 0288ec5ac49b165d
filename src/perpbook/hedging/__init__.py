"""Hedges that are looked for: options laid over a book so that its storms cost less."""
