"""A second, slow opinion: one account on one venue, reckoned in decimals from the files and the venue's terms alone."""
