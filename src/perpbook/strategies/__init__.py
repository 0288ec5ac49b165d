"""What a trader wants to hold, as targets by time: built-in strategies, tables, and callables."""
