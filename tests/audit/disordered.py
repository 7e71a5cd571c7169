"""Recordings that are otherwise than what was sent, as whole files: order, times, hosts, texts, spelling."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from tests.audit.damaged import (
    FAULTS,
    Damage,
    Document,
    both,
    describe,
    drop_header,
    judge,
    put,
    rewrite,
    speak,
    to_cassette,
    to_har,
    write,
)

Entries = list[Document]
Disorder = Callable[[Entries], Entries]
"""What is done to all entries of a file."""


def each(damage: Damage, *, but: Callable[[Document], bool] = lambda _: False) -> Disorder:
    """Return the disorder that damages each entry."""

    def disorder(entries: Entries) -> Entries:
        for entry in entries:
            if not but(entry):
                damage(entry)
        return entries

    return disorder


def when(path: str, damage: Damage) -> Damage:
    """Return a damage that is done only where there is something at a dotted path."""

    def damage_some(entry: Document) -> None:
        found: Any = entry
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
        if found is not None:
            damage(entry)

    return damage_some


def in_texts(pattern: str, put_in: str) -> Disorder:
    """Return the disorder that replaces what fits a pattern, wherever it stands in the file."""

    def disorder(entries: Entries) -> Entries:
        found: Entries = json.loads(re.sub(pattern, put_in, json.dumps(entries, ensure_ascii=False)))
        return found

    return disorder


def set_header(where: str, name: str, change: Callable[[str], str]) -> Damage:
    """Return the damage that changes the value of a header, in either format."""

    def damage(entry: Document) -> None:
        headers = entry[where]["headers"]
        if isinstance(headers, list):
            for one in headers:
                if one["name"] == name:
                    one["value"] = change(one["value"])
        elif name in headers:
            headers[name] = [change(value) for value in headers[name]]

    return damage


def rename_headers(change: Callable[[str], str]) -> Damage:
    """Return the damage that spells all names of headers otherwise, in either format."""

    def damage(entry: Document) -> None:
        for where in ("request", "response"):
            headers = entry[where]["headers"]
            if isinstance(headers, list):
                for one in headers:
                    one["name"] = change(one["name"])
            else:
                entry[where]["headers"] = {change(name): value for name, value in headers.items()}

    return damage


def move_host(base: str) -> Disorder:
    """Return the disorder that another base URL makes."""
    return in_texts("https://agents.lumalabs.ai", base)


def _garble(text: str) -> str:
    return text.encode().decode("latin-1")


def _lose(text: str) -> str:
    return re.sub("[^\x00-\x7f]+", "\ufffd", text)


def _mask_body(text: str) -> str:
    return "REDACTED" if text else text


def _mask_members(*names: str, by: str = "[REDACTED]") -> Callable[[Any], Any]:
    def mask(text: Any) -> Any:
        body = json.loads(text) if text else None
        if not isinstance(body, dict):
            return text
        return json.dumps({name: by if name in names else value for name, value in body.items()}, ensure_ascii=False)

    return mask


def _take_members(*names: str) -> Callable[[Any], Any]:
    def take(text: Any) -> Any:
        body = json.loads(text) if text else None
        return json.dumps({n: v for n, v in body.items() if n not in names}) if isinstance(body, dict) else text

    return take


def _both_texts(change: Callable[[Any], Any], answered: str, asked: str) -> Damage:
    return both(when(answered, rewrite(answered, change)), when(asked, rewrite(asked, change)))


def _twice(entries: Entries) -> Entries:
    return [copy for entry in entries for copy in (entry, deepcopy(entry))]


def _with(*others: Document) -> Disorder:
    return lambda entries: [one for entry in entries for one in (*deepcopy(others), entry)]


HASH: Final = b64encode(b"a digest of a key").decode()
_ID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"

OF_ALL: Final[dict[str, Disorder]] = {
    "in reverse": lambda entries: entries[::-1],
    "in another order": lambda entries: [entries[n] for n in (3, 0, 5, 2, 4, 1)],
    "each twice": _twice,
    "twice over": lambda entries: [*entries, *deepcopy(entries)],
    "keys replaced by one word": each(set_header("request", "Authorization", lambda _: "REDACTED")),
    "keys replaced by stars": each(set_header("request", "Authorization", lambda _: "Bearer ***")),
    "keys hashed": each(set_header("request", "Authorization", lambda _: f"Bearer sha256:{HASH}")),
    "keys left out": each(drop_header("request", "Authorization")),
    "ids replaced": in_texts(_ID, "REDACTED"),
    "ids replaced by stars": in_texts(_ID, "***"),
    "ids numbered": in_texts(_ID, "<id>"),
    "ids made zero": in_texts(_ID, "00000000-0000-0000-0000-000000000000"),
    "request ids replaced": in_texts(r"call-\d", "REDACTED"),
    "answered request ids replaced": each(set_header("response", "X-Request-Id", lambda _: "[request id]")),
    "asked request ids replaced": each(set_header("request", "X-Request-Id", lambda _: "[request id]")),
    "output URLs replaced": in_texts(r"https://storage[^\"\\\\]*", "https://REDACTED"),
    "output URLs replaced by a word": in_texts(r"https://storage[^\"\\\\]*", "REDACTED"),
    "dates replaced": in_texts(r"2026-11-26T12:00:00Z\\", r"<date>\\"),
    "names of headers in lower case": each(rename_headers(str.lower)),
    "names of headers in upper case": each(rename_headers(str.upper)),
    "lengths in the way of headers gone": each(drop_header("response", "Content-Length")),
    "lengths of what was sent gone": each(drop_header("request", "Content-Length")),
    "types of what was sent gone": each(drop_header("request", "Content-Type")),
    "types of what was answered gone": each(drop_header("response", "Content-Type")),
    "on a port": move_host("http://localhost:8080"),
    "on IPv6": move_host("http://[::1]:8080"),
    "on a host in capitals": move_host("HTTPS://AGENTS.LUMALABS.AI"),
    "below a prefix": move_host("https://gateway.example.com/ai/luma"),
    "below a prefix with a version": move_host("https://gateway.example.com/v1/luma"),
    "with a user in the URL": move_host("https://user:secret@agents.lumalabs.ai"),
    "with a query": in_texts(r"(lumalabs.ai/v1/generations[^\"?]*)", r"\1?trace=1&x=%2F"),
    "with a fragment": in_texts(r"(lumalabs.ai/v1/generations[^\"?]*)", r"\1#top"),
}
"""What happens to a whole file, in any format."""

_HAR_TEXTS: Final = ("response.content.text", "request.postData.text")
_VCR_TEXTS: Final = ("response.body.string", "request.body")


def _list_textual(answered: str, asked: str) -> dict[str, Disorder]:
    return {
        "bodies taken for Latin-1": each(_both_texts(_garble, answered, asked)),
        "answers taken for Latin-1": each(when(answered, rewrite(answered, _garble))),
        "characters lost": each(_both_texts(_lose, answered, asked)),
        "characters of answers lost": each(when(answered, rewrite(answered, _lose))),
        "a BOM before bodies": each(_both_texts(lambda text: "\ufeff" + text if text else text, answered, asked)),
        "a line break after bodies": each(_both_texts(lambda text: text + "\n" if text else text, answered, asked)),
        "bodies indented": each(_both_texts(
            lambda text: json.dumps(json.loads(text), indent=2, ensure_ascii=False) if text else text,
            answered, asked)),
        "bodies escaped": each(_both_texts(
            lambda text: json.dumps(json.loads(text), sort_keys=True) if text else text, answered, asked)),
        "bodies quoted": each(_both_texts(lambda text: json.dumps(text) if text else text, answered, asked)),
        "answers replaced": each(when(answered, rewrite(answered, _mask_body))),
        "requests replaced": each(when(asked, rewrite(asked, _mask_body))),
        "prompts replaced": each(when(asked, rewrite(asked, _mask_members("prompt")))),
        "prompts left out": each(when(asked, rewrite(asked, _take_members("prompt")))),
        "models replaced": each(_both_texts(_mask_members("model"), answered, asked)),
        "types left out of requests": each(when(asked, rewrite(asked, _take_members("type")))),
        "types and models replaced by stars": each(
            when(asked, rewrite(asked, _mask_members("type", "model", by="***")))),
        "details replaced": each(when(answered, rewrite(answered, _mask_members("detail")))),
        "states replaced": each(when(answered, rewrite(answered, _mask_members("state", by="<state>")))),
        "ids of answers replaced": each(when(answered, rewrite(answered, _mask_members("id", by="xxxxxxxx")))),
        "outputs replaced": each(when(answered, rewrite(answered, _mask_members("output")))),
    }  # fmt: skip


def _at(moment: str) -> Disorder:
    return each(rewrite("startedDateTime", lambda was: moment.replace("SS", was[17:19])))


def _in_zones(entries: Entries) -> Entries:
    for number, entry in enumerate(entries):
        if number % 2:
            entry["startedDateTime"] = entry["startedDateTime"].replace("T12:00", "T17:30").replace("Z", "+05:30")
    return entries


def _bare(method: str, status: int, url: str, **more: object) -> Document:
    return {
        "startedDateTime": "2026-11-26T12:00:00Z", "time": 1,
        "request": {"method": method, "url": url, "headers": [], "bodySize": 0},
        "response": {"status": status, "headers": [], "bodySize": 0, "content": {"size": 0}}, **more,
    }  # fmt: skip


_GENERATIONS: Final = "https://agents.lumalabs.ai/v1/generations"


def _redirect(entries: Entries) -> Entries:
    first = deepcopy(entries[0])
    first["request"]["url"] = first["request"]["url"].replace("https", "http")
    first["response"] = {
        "status": 308, "redirectURL": _GENERATIONS, "content": {"size": 0}, "bodySize": 0,
        "headers": [{"name": "Location", "value": _GENERATIONS}],
    }  # fmt: skip
    return [first, *entries]


def _map_headers(entry: Document) -> None:
    for where in ("request", "response"):
        entry[where]["headers"] = {one["name"]: one["value"] for one in entry[where]["headers"]}


def _number_headers(entry: Document) -> None:
    for one in entry["response"]["headers"]:
        one["value"] = int(one["value"]) if one["value"].isdigit() else one["value"]


def _add_pseudo(entry: Document) -> None:
    entry["request"]["headers"][:0] = [{"name": ":authority", "value": "a"}, {"name": ":method", "value": "POST"}]
    entry["response"]["headers"][:0] = [{"name": ":status", "value": "200"}]


def _add_cookies(entry: Document) -> None:
    entry["response"]["headers"].append({"name": "set-cookie", "value": "a=1\nb=2; Expires=Thu, 26 Nov 2026"})


HAR_OF_ALL: Final[dict[str, Disorder]] = {
    **_list_textual(*_HAR_TEXTS),
    "times in other zones": _in_zones,
    "times without a zone": _at("2026-11-26T12:00:SS"),
    "times with nine digits": _at("2026-11-26T12:00:SS.123456789Z"),
    "times long ago": _at("1970-01-01T00:00:SSZ"),
    "times to come": _at("9999-12-31T23:59:SSZ"),
    "times in milliseconds": each(rewrite("startedDateTime", lambda was: 1795694400000 + int(was[17:19]) * 1000)),
    "times in seconds": each(rewrite("startedDateTime", lambda was: 1795694400 + int(was[17:19]))),
    "times all alike": _at("2026-11-26T12:00:00Z"),
    "times of the half": each(put("startedDateTime", ""), but=lambda entry: entry["request"]["method"] == "POST"),
    "times of polls alone": each(put("startedDateTime", ""), but=lambda entry: entry["request"]["method"] == "GET"),
    "durations gone": each(put("time", -1)),
    "durations as text": each(rewrite("time", str)),
    "durations huge": each(put("time", 1e300)),
    "sizes gone": each(both(
        put("response.bodySize", -1), put("response.content.size", -1), put("request.bodySize", -1))),
    "sizes of 0": each(both(put("response.bodySize", 0), put("response.content.size", 0), put("request.bodySize", 0))),
    "sizes as text": each(rewrite("response.content.size", str)),
    "sizes huge": each(both(put("response.bodySize", 1e308), put("response.content.size", 1 << 70))),
    "sizes null": each(both(put("response.bodySize", None), put("response.content.size", None))),
    "words of statuses gone": each(put("response.statusText", "")),
    "statuses as fractions": each(rewrite("response.status", float)),
    "headers as a mapping": each(_map_headers),
    "headers that are numbers": each(_number_headers),
    "headers of HTTP/2": each(both(_add_pseudo, rename_headers(str.lower))),
    "cookies joined by line breaks": each(_add_cookies),
    "preflights between": _with(_bare("OPTIONS", 204, _GENERATIONS), _bare("OPTIONS", 0, _GENERATIONS)),
    "HEAD between": _with(_bare("HEAD", 405, _GENERATIONS)),
    "not modified between": _with(_bare("GET", 304, f"{_GENERATIONS}/d290f1ee-6c54-4b01-90e6-d701748f0851")),
    "web sockets between": _with(
        _bare("GET", 101, "wss://agents.lumalabs.ai/v1/generations/ws", _resourceType="websocket")),
    "other hosts between": _with(_bare("GET", -1, "data:,"), {"request": {"url": "https://example.com/"}}, {}),
    "redirected to TLS": _redirect,
    "an initiator": each(put("_initiator", {"type": "script", "stack": {"callFrames": [], "source": "cache.js"}})),
    "marks of a page test": each(both(
        put("_cacheControl", "no-store"), put("_score_cache", -1), put("_cache_time", 3600))),
}  # fmt: skip
"""What happens to a whole HAR file."""

VCR_OF_ALL: Final[dict[str, Disorder]] = {
    **_list_textual(*_VCR_TEXTS),
    "statuses as text": each(rewrite("response.status.code", str)),
    "headers that are texts": each(both(
        rewrite("response.headers", lambda headers: {name: value[0] for name, value in headers.items()}),
        rewrite("request.headers", lambda headers: {name: value[0] for name, value in headers.items()}))),
    "headers empty": each(rewrite("response.headers", lambda headers: {**headers, "Set-Cookie": []})),
    "played back": each(put("recorded_at", "Thu, 26 Nov 2026 12:00:00 GMT")),
}  # fmt: skip
"""What happens to a whole cassette."""


def list_disorders() -> list[tuple[str, str]]:
    """Return each format and what happens to a file of it."""
    kinds = (("har", HAR_OF_ALL), ("vcr.json", VCR_OF_ALL), ("vcr.yaml", VCR_OF_ALL))
    return [(kind, name) for kind, own in kinds for name in (*OF_ALL, *own)]


def disorder(kind: str, name: str, document: Document) -> Document:
    """Return a recording to which something has happened."""
    log, member = (document["log"], "entries") if kind == "har" else (document, "interactions")
    log[member] = ({**OF_ALL, **(HAR_OF_ALL if kind == "har" else VCR_OF_ALL)})[name](log[member])
    return document


def main() -> None:
    """Print what becomes of each disorder: on a right server, and on one with each fault."""
    with TemporaryDirectory() as folder:
        for kind, name in list_disorders():
            path, said = Path(folder, f"a.{kind}"), []
            for fault in (None, *FAULTS):
                spoken = speak()
                if fault is not None:
                    number, change = FAULTS[fault]
                    spoken[number] = change(spoken[number])
                document = to_har(spoken) if kind == "har" else to_cassette(spoken)
                said.append(f"{fault or 'right'}: {describe(judge(write(disorder(kind, name, document), path)))}")
            print(f"{kind:<9} {name:<35} {'   '.join(said)}")


if __name__ == "__main__":
    main()
