"""The check, free of charge, that there is a target to judge: it answers, is the API, and takes the main key.

A clock that the profile names is asked too, so that a dead one is told once, before the first case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final

from luma_conformance.errors import CouldNotJudge, ExchangeError
from luma_conformance.model import GENERATIONS_PATH, Request, Response, Transport, header
from luma_conformance.shown import clip

PROBE: Final = f"{GENERATIONS_PATH}/00000000-0000-0000-0000-000000000000"
"""A lookup of a generation that does not exist: it costs nothing, and the API answers 404."""

MAX_SAID: Final = 200
"""Characters of them that are shown."""
_TRACING: Final = ("X-Request-Id", "luma-conformance-preflight")
_JSON: Final = ("Content-Type", "application/json")
_KEYLESS: Final = Request(method="POST", url=GENERATIONS_PATH, headers=(_JSON, _TRACING), body=b"{}")
"""A request for nothing, without a key: no API accepts it, and none has no such address."""
_TLS_WANTED: Final = re.compile(rb"HTTPS|\bTLS\b|\bSSL\b")
"""What servers write to those who speak HTTP to a port of TLS, in words of their own."""


def preflight(transport: Transport, authorization: str | None, *, key: str = "$LUMA_AGENTS_API_KEY") -> None:
    """Return if the target can be judged; raise CouldNotJudge with the reason and the likely fix.

    `authorization` is the header's value, or None without a main key; then only the presence of the API is checked.
    `key` is shown in messages instead of the key. They have the target's own words, and are for the redactor.
    """
    headers = (("Authorization", authorization), _TRACING) if authorization is not None else (_TRACING,)
    response = transport.send(Request(method="GET", url=PROBE, headers=headers))
    why = _find_other(response)
    if why is None and authorization is not None:
        why = _find_refusal(response, key)
    if why is None and _may_be_anything(response):
        why = _compare(response, transport.send(_KEYLESS))
    if why is not None:
        raise CouldNotJudge(why)


def check_clock(transport: Transport, request: Request, sleep: Callable[[], None]) -> None:
    """Return if a target's clock answers; raise CouldNotJudge with the reason and the likely fix.

    `request` advances it by 0 seconds, `sleep` by one. No time passes, unless the clock refuses to be advanced by
    nothing: then a second does.
    """
    try:
        response = transport.send(request)
        why = _find_dead(response, request.method)
        if why is None and response.status >= 400:
            why = f"answers {response.status}{_reason(response)}; check advance and body under [clock]"
            sleep()
            why = None
    except ExchangeError as error:
        why = f"does not answer ({error}); check advance under [clock]"
    except CouldNotJudge:
        pass  # it refused the second too
    if why is not None:
        raise CouldNotJudge(
            f"the clock at {request.url}, which the profile names, {why}, or remove [clock]: without it, time passes "
            "by waiting"
        )


def _find_dead(response: Response, method: str) -> str | None:
    """Return why what answers is no clock, or None; what refuses to be advanced by 0 seconds may be one."""
    status = response.status
    answers = f"answers {status}{_reason(response)}"
    if 300 <= status < 400:
        return f"{answers}, a redirect, which is not followed; check advance under [clock]"
    if _is_page(response):
        return f"answers {status} with a web page; check advance under [clock]"
    if status in (401, 403):
        return f"{answers}, so it does not take the key it is asked with; see key under [clock]"
    if status in (404, 405, 410):
        return f"{answers}, so there is no clock; check advance and method ({method}) under [clock]"
    return f"{answers}; see the target's log" if status >= 500 else None


def _find_other(response: Response) -> str | None:
    """Return why what answers is not the API, or None; wrong answers of the API itself are left to the cases."""
    status = response.status
    if 300 <= status < 400:
        return _describe_redirect(status, header(response.headers, "Location") or "")
    if status == 400 and _json(response) is None and _TLS_WANTED.search(response.body):
        return f"the target answers {status}, because it speaks TLS; its base URL begins with https://"
    if scheme := _find_login(response):
        return (
            f"the target answers {status} and asks for a login ({scheme}), as something in front of the API does; "
            "give a base URL that leads past it"
        )
    if _is_page(response):
        token = ", or send its gateway's token with --luma-header" if status in (401, 403) else ""
        return f"the target answers {status} with a web page, so this is not the API; check the base URL{token}"
    return None


def _find_refusal(response: Response, key: str) -> str | None:
    """Return why the API does not take the main key, or None."""
    reason = _reason(response)
    if response.status == 401:
        return f"the target refuses the main key ({key}){reason}; check the key, and that it is one for this target"
    if response.status == 403:
        return f"the target denies access to the main key's client ({key}){reason}; its support can tell why"
    return None


def _describe_redirect(status: int, location: str) -> str:
    if not location:
        return f"the target answers {status}, a redirect to nowhere; check the base URL"
    base, found, _ = location.partition("?")[0].removesuffix("/").rpartition(PROBE)
    shown = f"the target answers {status}, a redirect to {clip(base or location.partition('?')[0], MAX_SAID)}, and"
    if found and base:
        return f"{shown} redirects are not followed; use that base URL"
    return f"{shown} that is not the API: a login page, or another site; check the base URL"


def _find_login(response: Response) -> str | None:
    """Return the kind of login that a proxy asks for, which a bearer of a key cannot give; or None."""
    if response.status not in (401, 407):
        return None
    name = "WWW-Authenticate" if response.status == 401 else "Proxy-Authenticate"
    scheme = (header(response.headers, name) or "").split(" ")[0].rstrip(",")
    return scheme if scheme.lower() in ("basic", "digest", "negotiate", "ntlm") else None


def _may_be_anything(response: Response) -> bool:
    """Return whether a server that is not the API may have answered so: the API's own 404 is known by its words."""
    status = response.status
    known = status < 400 or status in (401, 403, 429)
    return not known and not (status == 404 and "generation" in (_detail(response) or "").lower())


def _compare(looked_up: Response, created: Response) -> str | None:
    """Return why nothing can be judged where two requests, to which the API has different answers, got the same."""
    status = looked_up.status
    said_alike = created.body == looked_up.body and _detail(looked_up) is None
    if created.status != status or not (status == 404 or status >= 500 or said_alike):
        return None
    answers = f"the target answers {status} to every request{_reason(looked_up)}"
    if status == 404:
        return f"{answers}: the API is not there; give as base URL exactly what comes before {GENERATIONS_PATH}"
    return f"{answers}; is it up? See its log" if status >= 500 else f"{answers}; check the base URL"


def _is_page(response: Response) -> bool:
    kind = header(response.headers, "Content-Type") or ""
    return kind.lower().startswith("text/html") or response.body.lstrip()[:1] == b"<"


def _reason(response: Response) -> str:
    """Return the target's own words, to stand after what they are about, or nothing."""
    return f": {clip(detail, MAX_SAID)}" if (detail := _detail(response)) else ""


def _detail(response: Response) -> str | None:
    body = _json(response)
    detail = body.get("detail") if isinstance(body, dict) else None
    return " ".join(detail.split()) if isinstance(detail, str) else None


def _json(response: Response) -> object:
    try:
        return json.loads(response.body)
    except (ValueError, RecursionError):
        return None
