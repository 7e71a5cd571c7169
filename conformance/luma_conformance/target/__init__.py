"""What is judged: its profile, HTTP under bounds, pacing, spending, preflight."""
