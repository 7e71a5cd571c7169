"""Clients of the Luma Agents API, right and wrong: each a small program that needs nothing but its environment."""
