"""Other people's recordings judged."""
