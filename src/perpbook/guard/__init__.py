"""The guard's core: messages in, effects out. No clock, no waiting, no chance; its durable state is a fold of its journal."""
