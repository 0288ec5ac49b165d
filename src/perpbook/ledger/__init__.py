"""Books changed by events, and what each kind of event brought or cost."""
