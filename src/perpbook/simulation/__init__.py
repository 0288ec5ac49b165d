"""A simulated venue: books, matching, margin, funding, liquidation, and what goes wrong between it and its clients."""
