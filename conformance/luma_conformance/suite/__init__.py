"""The properties: statements about every request, tried on generated ones; collected beside the catalogue."""
