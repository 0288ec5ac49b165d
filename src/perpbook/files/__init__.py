"""Reading the files users write: text with one clear error, and where in a TOML text each key stands."""
