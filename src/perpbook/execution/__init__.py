"""Getting out and making smaller: where to trade, which leg, how fast, in what order."""
