"""A key spelt at random at every place that takes a text, and the search for it in what comes of it."""

from __future__ import annotations

import html
import json
import re
import socketserver
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Thread
from xml.etree import ElementTree

from luma_conformance.model import Request, Response
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.reference.clock import WallClock
from luma_conformance.reference.service import Service
from tests.canary import artefacts
from tests.redaction.spelling import choose, spell

NAME = "KEY_OF_MINE"
AROUND = " .,;:!\"'(){}[]<>=?&%xyZ09é"


class Plant:
    """A key, and a way to write it for each place that asks: what is drawn is the same for the same seed."""

    def __init__(self, key: str, seed: int) -> None:
        self.key = key
        self._random = Random(f"{key} {seed}")  # noqa: S311
        self._redactor = Redactor({key: f"${NAME}"})

    def text(self) -> str:
        """Return a text with the key in it, spelt in up to three ways."""
        written = spell(self.key, choose(self._random), self._random)
        before, after = ("".join(self._random.choices(AROUND, k=self._random.randrange(12))) for _ in range(2))
        long = "x " * self._random.choice((0, 0, 0, 35, 74, 190, 9_900))  # so that it lies where texts are cut
        return f"{before} {long}{written} {after}"

    def line(self) -> str:
        """Return such a text that a header, a comment or a title can take: on one line, of Latin letters."""
        return "".join(one if " " <= one <= "~" else " " for one in self.text().replace("\n", "").replace("\r", ""))

    def find_leaks(self, written: dict[str, bytes]) -> dict[str, str]:
        """Return where the key is left, with what surrounds it."""
        bare = self.key.removeprefix("luma-api-")
        pieces = [bare[at : at + 8] for at in range(len(bare) - 7)]
        found = {}
        for name, raw in written.items():
            for text in _read(name, raw.decode("utf-8", "replace")):
                piece = next((one for one in pieces if one in text and re.search("[A-Z0-9~+/.]", one)), None)
                leak = self._redactor.find_secret(text) if piece is None else None
                if piece is not None:
                    at = text.find(piece)
                    found[name] = text[max(0, at - 200) : at + 200]
                elif leak is not None and leak.what.startswith("a secret"):
                    line = text.split("\n")[leak.line - 1]
                    found[name] = line[max(0, leak.column - 200) : leak.column + 300]
        return found


def _read(name: str, text: str) -> Iterator[str]:
    """Yield a file's text, and the texts that are in it by its format."""
    yield text
    if name.endswith((".json", ".har", ".jsonl", "stdout")):
        for line in [text] if name.endswith((".json", ".har")) else text.splitlines():
            if line[:1] in "{[":
                with suppress(ValueError):
                    yield "\n".join(_list_texts(json.loads(line)))
    elif name.endswith(".xml"):
        yield "\n".join(ElementTree.fromstring(text).itertext())  # noqa: S314  our own
    elif name.endswith((".html", ".md", ".svg")):
        yield html.unescape(text)


def _list_texts(document: object) -> Iterator[str]:
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        for name, member in document.items():
            yield name
            yield from _list_texts(member)
    elif isinstance(document, list):
        for member in document:
            yield from _list_texts(member)


def read_all(folder: Path, planted: frozenset[str]) -> dict[str, bytes]:
    """Return the files below a folder, less those in which the test has planted the key, as they are or compiled."""
    return {name: raw for name, raw in artefacts(folder) if name not in planted and not name.endswith(".pyc")}


PLACES = ("detail", "text", "page", "member", "list", "nested", "header", "id", "cookie", "type", "reason", "output")
"""Where in an answer the key may be: the prompt of a request says which."""


@contextmanager
def answering(plant: Plant) -> Iterator[str]:
    """Yield the URL of a reference that writes the key where a request asks for it."""
    service = Service(clock=WallClock())

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            first = self.rfile.readline().decode().split()
            headers = []
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(": ")
                headers.append((name, value.replace(plant.key, "luma-api-test-main")))
            length = int({name.lower(): value for name, value in headers}.get("content-length", 0))
            request = Request(method=first[0], url=first[1], headers=tuple(headers), body=self.rfile.read(length))
            found = re.search(r"place-(\w+)", request.body.decode("utf-8", "replace"))
            self.wfile.write(_write(plant, service.handle(request), found[1] if found else ""))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def _write(plant: Plant, response: Response, place: str) -> bytes:
    """Return an answer as it is sent, with the key in one place."""
    status, reason, body, more = response.status, "Fine", response.body, [("Connection", "close")]
    if place in ("detail", "member", "list", "nested", "text", "page"):
        status = 400
        made: dict[str, Callable[[], str]] = {
            "detail": lambda: json.dumps({"detail": plant.text()}),
            "member": lambda: json.dumps({"detail": "no", plant.text(): 1}),
            "list": lambda: json.dumps([plant.text(), [plant.text()]], ensure_ascii=False),
            "nested": lambda: json.dumps({"detail": json.dumps({"detail": {"a": plant.text()}})}),
            "text": plant.text,
            "page": lambda: f"<!doctype html><p>{plant.text()}",
        }
        body = made[place]().encode("utf-8", "replace")
    elif place == "output":
        url = f"https://files.example/{re.sub('[^!-~]', '', plant.text())}"
        body = json.dumps({**json.loads(body), "state": plant.text(), "output": [{"url": url}]}).encode()
    else:
        reason = plant.line() if place == "reason" else reason
        name = {"header": plant.key, "id": "X-Request-Id", "cookie": "Set-Cookie", "type": "Content-Type"}.get(place)
        more += [] if name is None else [(re.sub(r"[^\w-]", "", name), plant.line())]
    replaced = {name.lower() for name, _ in more}
    kept = [one for one in response.headers if one[0].lower() not in {*replaced, "content-length"}]
    head = "".join(f"{name}: {value}\r\n" for name, value in [*kept, *more, ("Content-Length", str(len(body)))])
    return f"HTTP/1.1 {status} {reason}\r\n{head}\r\n".encode("latin-1", "replace") + body
