"""A mock as a vendor writes it in an afternoon: one clock, jobs in memory, a key, 30 requests a minute, 5 slots.

It shares no code with the reference, validates little, and can be told to go wrong in making generations.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from luma_conformance.model import Request, Response, header

KEY = "luma-api-plain-mock-0001"
KINDS = {"image": "uni-1", "image_edit": "uni-1", "video": "ray-3.2", "video_edit": "ray-3.2"}
Answer = tuple[int, dict[str, Any], dict[str, str]]


@dataclass
class PlainMock:
    """The mock, and its clock where `now` is set, which an answer moves by `delay` seconds.

    A job takes `seconds`, and is forgotten after `kept` seconds.
    Keys that begin like its own share one client. `listen` hears every request.
    `ending` is the state jobs end in; None: they never end. `refused` is the answer to every request for a video.
    """

    now: float | None = None
    rpm: int = 10**6
    slots: int = 10**6
    seconds: float = 1.0
    delay: float = 0.0
    kept: float = 1e12
    ending: str | None = "completed"
    refused: tuple[int, str] | None = None
    listen: Callable[[Request], object] = lambda _: None
    created: list[dict[str, Any]] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def time(self) -> float:
        """Return the time: its own, or the real one."""
        return time.time() if self.now is None else self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass; a Clock of the kit's."""
        assert self.now is not None
        self.now += seconds

    def send(self, request: Request) -> Response:
        """Return the answer to a request; a Transport of the kit's."""
        self.listen(request)
        if self.now is not None:
            self.now += self.delay
        with self._lock:
            status, body, more = self._answer(request)
        echoed = header(request.headers, "X-Request-Id") or str(uuid.uuid4())
        headers = {"Content-Type": "application/json", "X-Request-Id": echoed, "X-API-Version": "2026-04-01", **more}
        return Response(status=status, headers=tuple(headers.items()), body=json.dumps(body).encode())

    def _answer(self, request: Request) -> Answer:
        scheme, _, key = (header(request.headers, "Authorization") or "").partition(" ")
        if scheme != "Bearer" or not key.startswith("luma-api-"):
            return 401, {"detail": "Missing or invalid API key"}, {}
        if not key.startswith(KEY):
            return 401, {"detail": "Invalid API key"}, {}
        if request.method == "POST":
            return self._create(_read(request.body))
        job = next((one for one in self.created if request.url.endswith(f"/{one['id']}")), None)
        if job is None or self.time() - job["at"] > self.kept:
            return 404, {"detail": "Generation not found"}, {}
        return 200, self._show(job), {}

    def _create(self, body: Any) -> Answer:
        kind = str(body.get("type") or "image") if isinstance(body, dict) else ""
        if kind not in KINDS:
            return 400, {"detail": "no such type"}, {}
        model = body.get("model") or "uni-1"
        if not isinstance(model, str) or model not in ("uni-1", "uni-1-max", "ray-3.2"):
            return 400, {"detail": f"Unknown model: {model}"}, {}
        prompt = body.get("prompt")
        if not isinstance(prompt, str) or not 1 <= len(prompt) <= 6000:
            return 400, {"detail": "Prompt must be between 1 and 6000 characters"}, {}
        if kind == "video" and self.refused is not None:
            return self.refused[0], {"detail": self.refused[1]}, {}
        if (limited := self._limit()) is not None:
            return limited
        job = {"id": str(uuid.uuid4()), "type": kind, "model": model, "at": self.time()}
        self.created.append(job)
        return 201, {**self._show(job), "state": "queued", "output": []}, self._quota()

    def _limit(self) -> Answer | None:
        now = self.time()
        self._times = [one for one in self._times if one > now - 60]
        if len(self._times) >= self.rpm:
            wait = max(1, int(self._times[0] + 60 - now) + 1)
            return 429, {"detail": "Rate limit exceeded"}, {"Retry-After": str(wait), **self._quota()}
        running = [job for job in self.created if self.ending is None or now < job["at"] + self.seconds]
        if len(running) >= self.slots:
            return 429, {"detail": "Too many concurrent jobs"}, {"Retry-After": "60"}
        self._times.append(now)
        return None

    def _quota(self) -> dict[str, str]:
        reset = int(self._times[0] + 60) + 1 if self._times else int(self.time()) + 60
        named = {"Limit": self.rpm, "Remaining": self.rpm - len(self._times), "Reset": reset}
        return {f"X-RateLimit-{name}": str(value) for name, value in named.items()}

    def _show(self, job: dict[str, Any]) -> dict[str, Any]:
        over = self.ending is not None and self.time() >= job["at"] + self.seconds
        state = str(self.ending) if over else "processing"
        failed = state == "failed"
        medium = "video" if job["type"].startswith("video") else "image"
        url = f"https://cdn.example/{job['id']}?X-Amz-Date={self.time():.6f}&X-Amz-Expires=3600"
        return {
            **{name: job[name] for name in ("id", "type", "model")},
            "state": state,
            "created_at": datetime.fromtimestamp(job["at"], UTC).isoformat().replace("+00:00", "Z"),
            "output": [{"type": medium, "url": url}] if state == "completed" else [],
            "failure_reason": "Generation failed" if failed else None,
            "failure_code": "generation_failed" if failed else None,
        }


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


@contextmanager
def listening(mock: PlainMock) -> Iterator[str]:
    """Yield the URL at which a mock answers on a socket."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = tuple(self.headers.items())
            answer = mock.send(Request(method=self.command, url=self.path, headers=headers, body=body))
            self.send_response(answer.status)
            for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    import sys

    with listening(PlainMock(rpm=int(sys.argv[1]), slots=int(sys.argv[2]))) as url:
        print(url, flush=True)
        threading.Event().wait()
