"""One run: a target opened, and cases judged on it."""
