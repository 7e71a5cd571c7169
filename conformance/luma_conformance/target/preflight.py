"""The check, free of charge, that there is a target to judge: it answers, is the API, and takes the main key."""

from __future__ import annotations

import json
from typing import Final

from luma_conformance.errors import CouldNotJudge
from luma_conformance.model import Request, Response, Transport, header

PROBE: Final = "/v1/generations/00000000-0000-0000-0000-000000000000"
"""A lookup of a generation that does not exist: it costs nothing, and the API answers 404."""


def preflight(transport: Transport, authorization: str | None, *, key: str = "$LUMA_AGENTS_API_KEY") -> None:
    """Return if the target can be judged; raise CouldNotJudge with the reason and the likely fix.

    `authorization` is the header's value, or None without a main key; then only the presence of the API is checked.
    `key` is shown in messages instead of the key.
    """
    tracing = ("X-Request-Id", "luma-conformance-preflight")
    headers = (("Authorization", authorization), tracing) if authorization is not None else (tracing,)
    response = transport.send(Request(method="GET", url=PROBE, headers=headers))
    if authorization is None and response.status in (401, 403):
        return
    why = _find_reason(response, key)
    if why is not None:
        raise CouldNotJudge(why)


def _find_reason(response: Response, key: str) -> str | None:
    """Return why nothing can be judged, or None; wrong answers of the API itself are left to the cases."""
    status = response.status
    if 300 <= status < 400:
        return _describe_redirect(status, header(response.headers, "Location"))
    if _is_page(response):
        token = ", or send its gateway's token with --luma-header" if status in (401, 403) else ""
        return f"the target answers {status} with a web page, so this is not the API; check the base URL{token}"
    reason = f": {detail}" if (detail := _detail(response)) else ""
    if status == 401:
        return f"the target refuses the main key ({key}){reason}; check the key, and that it is one for this target"
    if status == 403:
        return f"the target denies access to the main key's client ({key}){reason}; its support can tell why"
    return None


def _describe_redirect(status: int, location: str | None) -> str:
    if not location:
        return f"the target answers {status}, a redirect to nowhere; check the base URL"
    base = location.split("?")[0].removesuffix("/").removesuffix(PROBE)
    return f"the target answers {status}, a redirect to {base[:200]}, and redirects are not followed; use that base URL"


def _is_page(response: Response) -> bool:
    kind = header(response.headers, "Content-Type") or ""
    return kind.lower().startswith("text/html") or response.body.lstrip()[:1] == b"<"


def _detail(response: Response) -> str | None:
    try:
        body = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    detail = body.get("detail") if isinstance(body, dict) else None
    return " ".join(detail[:200].split()) if isinstance(detail, str) else None
