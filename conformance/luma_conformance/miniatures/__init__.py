"""Deliberately wrong services, derived from the reference by operators, and legal variants; nothing here does I/O."""
