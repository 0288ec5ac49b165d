"""The lake: price and funding history on disk, what is wrong with it, and the aligned bars a run needs of it."""
