"""A book, its market and its terms become an assessment."""
