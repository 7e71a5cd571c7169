"""The properties: what holds for any request, tried on generated ones. Collected by pytest beside the catalogue."""
