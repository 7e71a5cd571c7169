"""Exchanges become verdicts."""
