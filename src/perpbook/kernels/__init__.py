"""Arrays in, arrays out. Knows nothing of venues, files or users; validates nothing (the seam does)."""
