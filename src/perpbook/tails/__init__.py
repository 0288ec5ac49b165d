"""What happens together when it goes wrong: tail statistics with their intervals, their Gaussian null and their points."""
