"""One small kernel per playbook rule, all of one shape: `(state, policy, memory, findings, proposals) -> None`.

A rule records what it measured whether or not the limit holds, and where it does not, proposes how much of which
position to keep. It reads `memory` and never writes it: `decide.remember` does, after every rule has spoken. Every cut is
uniform over an account or a whole book, or closes towards a smaller single position whose account is not hedged by it:
per-leg cuts of a hedge can cause a liquidation, and are left to `sizing`.
"""
