"""Numbers become text, JSON and pages."""
