"""The record of what was meant and what was done: appended to, chained, never changed."""
