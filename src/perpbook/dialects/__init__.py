"""A simulated exchange served on loopback in the venues' own words: HTTP and websocket dialects over one `Exchange` a venue."""
