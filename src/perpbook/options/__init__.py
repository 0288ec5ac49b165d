"""Options: a chain, its smile without arbitrage, and what contracts are worth when prices and volatility move."""
