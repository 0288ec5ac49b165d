"""Example books and playbooks with made-up prices, and the way to find them."""
