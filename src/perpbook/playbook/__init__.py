"""The trader's rules: read, compiled, decided on, told."""
