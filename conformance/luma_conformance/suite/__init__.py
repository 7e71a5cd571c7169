"""The properties: statements about every request, tried on generated ones; collected beside the catalogue."""

from typing import Final

PROPERTIES: Final = 146
"""How many items these modules are to pytest; a run that selects some of them says of how many, without reading all."""
