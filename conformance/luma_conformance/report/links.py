"""Links into the page, by heading."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

PAGE: Final = "https://docs.agents.lumalabs.ai/guides/error-handling/"
_OURS: Final = "Property: "
"""The beginning of a property's section, which is not a section of the page."""


def page_link(section: str) -> str | None:
    """Return a link to a heading of the page by its text, because the page does not promise stable anchors."""
    if not section or section.startswith(_OURS):
        return None
    # In a text fragment a hyphen next to a comma has a special meaning.
    return f"{PAGE}#:~:text={quote(section, safe='', errors='replace').replace('-', '%2D')}"
