"""Prints what it costs to search texts of 16 MiB for keys. Run: python tests/bench/redaction.py [NAME]."""

from __future__ import annotations

import json
import multiprocessing
import re
import resource
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from luma_conformance.redaction.redactor import Redactor

SIZE = 16 * 1024 * 1024
KEYS = {f"luma-api-{sha256(bytes((number,))).hexdigest()[:24]}": f"$KEY_{number}" for number in range(5)}
KEY = next(iter(KEYS))
PROMPT = "A lighthouse at dusk, waves breaking; 35 mm film, slow dolly-in — “golden hour”"
RUSSIAN = "Маяк в сумерках, волны разбиваются о скалы"


def _video(number: int) -> dict[str, object]:
    digest = sha256(str(number).encode()).hexdigest()
    return {
        "id": f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}",
        "state": "completed",
        "created_at": "2026-01-01T00:00:00Z",
        "prompt": PROMPT,
        "output": [{"type": "video", "url": f"https://cdn.example/{digest}.mp4?X-Amz-Date=20260101T000000Z"}],
    }


def _random(size: int) -> bytes:
    return Random(1).randbytes(size)  # noqa: S311


def _fill(unit: str) -> str:
    return unit * (SIZE // len(unit.encode()))


def _draw(letters: str, before: str, size: int) -> str:
    """Return words of so many letters at random, each behind a sign."""
    drawn = "".join(Random(1).choices(letters, k=1_000_000 // size * size))  # noqa: S311
    return _fill(re.sub(f".{{{size}}}", lambda found: before + found[0], drawn))


def _nest() -> str:
    """Return what needs as many rounds as there are, here and there in another text."""
    escape = "&"
    for number in range(24):
        escape = escape.replace("%", "&#37;") if number % 2 else escape.replace("&", "%26")
    return _fill(json.dumps([_video(number) for number in range(250)]) + escape)


def _page() -> str:
    cells = "".join(
        f"<li data-id='{number}'><a href=\"/v/{number}?a=1&amp;b=2\">Caf&eacute; &#1084;&#x44F; {PROMPT}</a></li>\n"
        for number in range(1000)
    )
    return _fill(f'<!doctype html><script>var a = "x\\u003c/y", b = \'z\' + "";</script><ul>{cells}</ul>')


UNITS = (
    "%25", "%41", "%252541", "%", "%u0041", "&amp;", "&#65", "&#65;", "&#x41;", "&", "&lt", "\\u0041", "\\u", "\\x41",
    "\\101", "\\u{41}", "\\N{DIGIT ONE}", "\\", "\\n", "\n", " ", '"', '" ', '""x', "'\n", "\nE  a", "=41", "=\n",
    "A", "V", "VU", "4", "6c:75:", "0x6c,", "QUJDREVGRw", "YWJjZGVmZ2g", "ISEh", "a\0", "\0", "AGEA", "6100", "\u200b",
    "\u200ba", "é", "漢", "...", "…", "pi-", "luma-api-", f"{KEY[:12]} ", f"{KEY} ", f"{KEY[:7]} ",
    f"{KEY[9:16]}x", f"...{KEY[-7:-1]}", "%41&#65;\\x41", "\\1a", "?sig=a", "?sig=a&",
)  # fmt: skip

TEXTS: Mapping[str, Callable[[], str]] = {
    "a list of videos": lambda: _fill(json.dumps([_video(number) for number in range(1000)], indent=1)),
    "a list of videos, on one line": lambda: _fill(json.dumps([_video(number) for number in range(1000)])),
    "a list that repeats a key in each entry": lambda: _fill(
        json.dumps([_video(number) | {"user": KEY} for number in range(1000)])
    ),
    "a page": _page,
    "an image in base64": lambda: json.dumps({"data": b64encode(_random(SIZE * 3 // 4 - 60)).decode()}),
    "an image in hex": lambda: _random(SIZE // 2).hex(),
    "a list of numbers": lambda: json.dumps(list(_random(SIZE // 5))),
    "Russian": lambda: _fill(json.dumps({"prompt": RUSSIAN}, ensure_ascii=False)),
    "Russian, as JSON escapes it": lambda: _fill(json.dumps({"prompt": RUSSIAN})),
    "Russian, in a form": lambda: _fill("".join(f"%{octet:02X}" for octet in RUSSIAN.encode()) + "&a=b&"),
    "Russian, as HTML references": lambda: _fill("".join(f"&#{ord(one)};" for one in RUSSIAN)),
    "a log": lambda: _fill(f'2026-01-01 00:00:00 INFO "POST /v1/generations" 201 {PROMPT!a}\n'),
    "JSON in JSON in JSON": lambda: _fill(json.dumps(json.dumps(json.dumps(_video(1))))),
    "base64 of base64 of JSON": lambda: b64encode(
        b64encode(_fill(json.dumps(_video(1))).encode())[: SIZE * 9 // 16]
    ).decode(),
    **{f"only {unit!r}": partial(_fill, unit) for unit in UNITS},
    "base64 that is a text from each digit on": partial(_draw, "UV", "", 1),
    "decimal digits at random": partial(_draw, "0123456789", "", 1),
    "hex at random": partial(_draw, "0123456789abcdef", "", 1),
    "bytes at random, in percent-encoding": partial(_draw, "0123456789abcdef", "%", 2),
    "names of no HTML references": partial(_draw, "abcdefghijklmnop", "&", 4),
    "escapes in escapes here and there": _nest,
    "UTF-16 in hex in base64": lambda: b64encode(
        _fill(RUSSIAN.encode("utf-16-le").hex())[: SIZE * 3 // 4].encode()
    ).decode(),
    "a key in base64 again and again": lambda: _fill(b64encode(KEY.encode()).decode() + " "),
    "a key in percent-encoding again and again": lambda: _fill("".join(f"%{ord(one):02x}" for one in KEY) + " "),
}  # fmt: skip


def _measure(name: str) -> str:
    text = TEXTS[name]()
    redactor = Redactor(KEYS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    scrubbed = redactor.scrub(text)
    seconds = time.process_time() - start
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    hidden = scrubbed.count("luma-conformance:text")
    shown = "shown" if scrubbed == text else f"{scrubbed.count('$KEY')} keys hidden, {hidden} stretches not shown"
    return f"{name:44} {seconds:6.2f} s {memory:6.0f} MiB more  {shown}"


def measure(word: str = "") -> Iterator[str]:
    """Yield a line for each text whose name holds a word."""
    for name in (name for name in TEXTS if word in name):
        # A process for each, since memory is counted at its highest.
        with multiprocessing.get_context("fork").Pool(1) as pool:
            yield pool.apply(_measure, (name,))


if __name__ == "__main__":
    for line in measure(*sys.argv[1:2]):
        print(line, flush=True)
