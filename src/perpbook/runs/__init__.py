"""The verbs: each wires files, rules and clock together."""
