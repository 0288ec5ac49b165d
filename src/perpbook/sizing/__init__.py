"""How large a book may be, and the cheapest way to get there."""
