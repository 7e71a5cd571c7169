"""The floor: the cases of some files sent over one raw socket, one after the other, and each answer compared.

No runner, no reports, no HTTP library: what Python needs at the least. Run: `python floor.py FORMAT URL`, where the
folder `cases` has the files, in JSON or YAML.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit


def load(path: str) -> Any:
    """Return the data of a file in JSON or YAML, each by its fastest common reader."""
    with open(path, encoding="utf-8") as file:
        if path.endswith(".json"):
            return json.load(file)
        import yaml

        return yaml.load(file, Loader=yaml.CSafeLoader)


def main(suffix: str, url: str) -> int:
    """Send every case; return 1 if an answer is not the one expected."""
    host = urlsplit(url)
    files = sorted(f"cases/{name}" for name in os.listdir("cases") if name.endswith(suffix))
    assert host.hostname is not None
    with socket.create_connection((host.hostname, host.port or 80)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for file in files:
            data = load(file)
            for case in data["cases"]:
                connection.sendall(make_request(case["request"]["body"], host.netloc))
                if not is_expected(*receive(connection), data["status"], case):
                    print(f"{case['id']}: another answer")
                    return 1
    return 0


def make_request(body: object, host: str) -> bytes:
    """Return the bytes of a request."""
    raw = json.dumps(body).encode()
    head = f"POST /v1/generations HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw


def receive(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Return the status, the headers and the body of one answer."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += connection.recv(65536)
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split(" ", 2)[1]), headers, body


def is_expected(status: int, headers: dict[str, str], body: bytes, expected: int, case: Any) -> bool:
    """Return whether an answer is the one that a case expects."""
    named = all(headers.get(name.lower()) == value for name, value in case["headers"].items())
    return status == expected and named and json.loads(body) == {"detail": case["detail"]}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
