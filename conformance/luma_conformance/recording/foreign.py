"""Files of other tools that hold no exchanges, or in a form of their own: which it is, and what to do instead."""

from __future__ import annotations

import re
from typing import Final

_PLAYED: Final = "judge the server that plays them, `luma-conformance run URL`, or record what it answers as HAR"
_FOREIGN: Final[tuple[tuple[bytes, str], ...]] = (
    (
        rb"\d+:\d+:(?:websocket|response|request|version|type|backup|id|intercepted|marked|error|client_conn)\W",
        "is a dump of mitmproxy; `mitmdump -nr FILE --set hardump=FILE.har` makes a HAR file of it",
    ),
    (
        rb"\xd4\xc3\xb2\xa1|\xa1\xb2\xc3\xd4|\x0a\x0d\x0d\x0a",
        "holds packets, not exchanges; record with a proxy, as HAR",
    ),
    (rb"\{\s*\"constants\"\s*:", "is a network log of Chrome's; save a HAR file with the network tools instead"),
    (rb"\{\s*\"(?:openapi|swagger)\"|(?:openapi|swagger)\s*:", "describes an API and holds no exchanges"),
    (
        rb"\{\s*\"schema\".{0,80}\"(?:tool|target)",
        "holds verdicts, not exchanges; `luma-conformance report` reads them",
    ),
    (rb"(?s).*getpostman\.com|.*\"_postman_id\"", f"is a collection of Postman's: requests, with examples; {_PLAYED}"),
    (rb"(?s).*\"__export_format\"|.*insomnia\.rest", f"is an export of Insomnia's requests; {_PLAYED}"),
    (rb"(?s)[\[{].*\"httpRequest\"\s*:", f"holds expectations of MockServer, not exchanges; {_PLAYED}"),
    (rb"(?s)\{.*\"pairs\"\s*:", f"is a simulation of Hoverfly, not exchanges; {_PLAYED}"),
    (
        rb"(?s)\{.*\"(?:mappings|urlPath|urlPattern|urlPathPattern)\"\s*:",
        f"holds stubs of WireMock, not exchanges; {_PLAYED}",
    ),
    (
        rb"(?s)\[.*\"(?:ssl|remoteAddress|protocolVersion)\"\s*:",
        "is a session of Charles; File > Export Session > HTTP Archive makes a HAR file of it",
    ),
)


def explain_foreign(head: bytes) -> str | None:
    """Return what a file is that begins so, and what to do with it, if it is of a tool that is known; or None."""
    return next((what for pattern, what in _FOREIGN if re.match(pattern, head)), None)


def explain_archive(names: list[str]) -> str | None:
    """Return the same of an archive with these members."""
    if any(re.fullmatch(r"raw/\d+_[cs]\.txt", name) for name in names):
        return "is an archive of Fiddler's; File > Export Sessions > HTTPArchive makes a HAR file of it"
    if any(name.endswith("trace.network") for name in names):
        return "is a trace of Playwright's; record with `recordHar`, or `page.routeFromHAR(…, {update: true})`"
    return None
