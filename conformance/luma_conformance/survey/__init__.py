"""Profiles held against their targets: which claims are true, what they leave out, and the corrected file."""
