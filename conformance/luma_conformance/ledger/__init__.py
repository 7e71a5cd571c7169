"""The ledger of the page: each of its statements, what carries it, and what a newer copy of the page has changed."""
