"""What people are told: by whom it is heard, how often, and what becomes of it when nobody answers."""
