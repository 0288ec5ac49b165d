"""What may happen to prices."""
