"""Layers' health, read and never written: nodes, status pages, who of them is believed, and what their clocks say."""
