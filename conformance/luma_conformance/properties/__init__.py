"""What holds for any request: the fixture properties use, and what generates for it."""
