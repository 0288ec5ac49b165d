"""How a journal's database came to be as it is, step by step; Alembic runs what is missing."""
