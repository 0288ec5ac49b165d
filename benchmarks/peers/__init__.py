"""Other engines on the same data, each in an environment of its own. Not part of the tests: `python -m benchmarks.peers`."""
