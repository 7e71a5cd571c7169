"""The one door to disk and screen."""
