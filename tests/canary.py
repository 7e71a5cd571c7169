"""A planted key, the forms in which it could get out, and the search for all of them in everything a run leaves."""

from __future__ import annotations

import gzip
import html
import json
import re
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

from luma_conformance.model import Request, Response
from luma_conformance.reference.clock import WallClock
from luma_conformance.reference.service import Service

CANARY = "luma-api-c4naryP9xQ7wZ2mK5vT8rB3n"
"""A key as the live API's look; each piece of it that is long enough is as telling as the whole."""

SIGNATURE = "5f3759df5f3759df5f3759df5f3759df"
"""What signs a URL the server hands out."""

Form = Callable[[str], str]


def _in_base64(before: bytes, encode: Callable[[bytes], bytes]) -> Form:
    return lambda key: encode(before + key.encode()).decode().rstrip("=")


def _lower(text: str) -> str:
    return "".join(text[i : i + 3].lower() if text[i] == "%" else text[i] for i in range(len(text)))


FORMS: Mapping[str, Form] = {
    "as it is": str,
    "in JSON": lambda key: json.dumps(key)[1:-1],
    "in JSON in JSON": lambda key: json.dumps(json.dumps(key)[1:-1])[1:-1],
    "in JSON, all escaped": lambda key: "".join(f"\\u{ord(one):04x}" for one in key),
    "in JSON, all escaped, twice": lambda key: "".join(f"\\\\u{ord(one):04X}" for one in key),
    "in a URL": lambda key: quote(key, safe=""),
    "in a form": quote_plus,
    "in a URL, all escaped": lambda key: "".join(f"%{octet:02X}" for octet in key.encode()),
    "in a URL, in lower case": lambda key: "".join(f"%{octet:02x}" for octet in key.encode()),
    "in a URL in a URL": lambda key: quote("".join(f"%{octet:02X}" for octet in key.encode()), safe=""),
    "in HTML": html.escape,
    "in HTML, by number": lambda key: "".join(f"&#{ord(one)};" for one in key),
    "in HTML, by hexadecimal number": lambda key: "".join(f"&#x{ord(one):X};" for one in key),
    "in hex": lambda key: key.encode().hex(),
    "in upper-case hex": lambda key: key.encode().hex().upper(),
    "in base64": _in_base64(b"", b64encode),
    "in base64, after one": _in_base64(b"x", b64encode),
    "in base64, after two": _in_base64(b"xy", b64encode),
    "in URL-safe base64": _in_base64(b"", urlsafe_b64encode),
    "in URL-safe base64, after two": _in_base64(b"?~", urlsafe_b64encode),
    "folded": lambda key: f"{key[:14]}\r\n {key[14:]}",
    "wrapped": lambda key: "\n    ".join(key[at : at + 8] for at in range(0, len(key), 8)),
    "wrapped, in base64": lambda key: "\n".join(_pieces(b64encode(key.encode()).decode().rstrip("="))),
    "folded, in JSON": lambda key: json.dumps(f"{key[:14]}\r\n {key[14:]}")[1:-1],
    "wrapped by a margin": lambda key: f"{key[:12]}\nE       {key[12:]}",
    "with what nobody sees": lambda key: f"{key[:12]}\u200b{key[12:]}",
}
BY_SLUG = {re.sub("[ ,]+", "-", name).lower(): form for name, form in FORMS.items()}
"""The forms by what a request can call them: the name of a model, the id of a case."""


def found_in(data: bytes, key: str = CANARY) -> set[str]:
    """Return the forms of a key that are in some bytes.

    Told apart from how the kit redacts: white space goes, and each form is then looked for as it is written; of the
    bare key, six characters in a row after its prefix are enough.
    """
    bare = data.translate(None, b" \t\r\n\\\"'")
    pieces = {key[at : at + 6].encode() for at in range(len("luma-api-"), len(key) - 5)}
    found = {"a piece of it" for piece in pieces if piece in bare}
    for name, form in FORMS.items():
        written = form(key).encode().translate(None, b" \t\r\n\\\"'")
        edge = 2 if "base64" in name else 0  # digits that hold bits of a neighbour too
        if written[edge : len(written) - edge] in bare:
            found.add(name)
    return found


def artefacts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of every file below a folder, those in gzip as text too."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            yield path.name, gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data


def _pieces(text: str) -> list[str]:
    return [text[at : at + 16] for at in range(0, len(text), 16)]


@contextmanager
def echoing() -> Iterator[str]:
    """Yield the URL of a reference that takes the canary for a key of its own, and repeats it wherever it can."""
    handle = Service(clock=WallClock()).handle

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            self._answer()

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = tuple((name, value.replace(CANARY, "luma-api-test-main")) for name, value in self.headers.items())
            request = Request(method=self.command, url=self.path, headers=headers, body=body)
            response = _repeating(request, handle(request))
            self.send_response(response.status, f"No {CANARY}")
            for name, value in response.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def log_message(self, *arguments: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _repeating(request: Request, response: Response) -> Response:
    """Return an answer that repeats the canary in headers, and in the form that the request's model asks for."""
    if request.url.startswith("/.well-known"):
        return Response(status=404)
    headers = tuple(
        (name, f"{value}-{CANARY}" if name.lower() == "x-request-id" else value) for name, value in response.headers
    )
    headers += (
        ("X-Echo", f"Bearer {CANARY}"),
        ("Set-Cookie", f"key={CANARY}; Path=/"),
        ("Location", f"https://files.example/x?key={quote(CANARY)}&sig={SIGNATURE}"),
        ("Content-Encoding", "gzip"),
    )
    body = response.body
    if request.method == "POST":
        asked = json.loads(body).get("detail", "") if response.status >= 400 else ""
        form = BY_SLUG.get(str(asked).removeprefix("Unknown model: "))
        detail = f"no model of {form(CANARY)}, and {SIGNATURE}" if form else f"{asked} {CANARY}"
        members = {"detail": detail, "nested": json.dumps({"key": CANARY})} if asked else _output(json.loads(body))
        body = json.dumps(members).encode()
    return replace(response, headers=headers, body=gzip.compress(body))


def _output(body: dict[str, object]) -> dict[str, object]:
    """Return an accepted generation with an output it must not have, at a URL with the canary in it."""
    url = f"https://files.example/{CANARY}.png?X-Amz-Signature={SIGNATURE}"
    return {**body, "state": CANARY, "output": [{"type": "image", "url": url}]}
