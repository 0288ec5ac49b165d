"""What the loop stands on: for now, the clock."""
