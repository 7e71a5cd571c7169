"""What the kit's own tests need of pytest; the plugin itself is found through its entry point."""

pytest_plugins = ["pytester"]
