"""Clients under test: scenarios, the server that plays them, and verdicts on what a client did."""
