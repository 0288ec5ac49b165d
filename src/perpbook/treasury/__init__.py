"""Where money is, how it gets to an account in need, how long that takes, and whether it comes in time."""
