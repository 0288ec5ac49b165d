"""The guard's inbox in a browser and as a JSON API, on this machine alone. A page says a word; the guard decides."""
