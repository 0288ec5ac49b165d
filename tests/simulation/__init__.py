"""The guard in a world of its own: venues with faults, a journal, people and a clock, all drawn from one seed."""
