"""What a client's conduct shows: which answers were faults, whether its task is done, and what it should have told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from luma_conformance.clients.conduct import Conduct, Seen
from luma_conformance.clients.scenario import End, Route, Task
from luma_conformance.matching import whole_number
from luma_conformance.model import ABSENT, header

RETRYABLE: Final = (429, 502, 503)
"""The statuses that the page calls retryable."""
TRANSIENT: Final = ("generation_failed", "output_not_found", "rate_limited")
"""The failure codes that the page calls retryable."""
UNFINISHED: Final = ("queued", "processing")
"""The states after which a client polls on."""
PERSISTENT: Final = 10
"""Requests with the same answer that a client may make, where it may try again, without being called endless."""
STUBBORN: Final = 2
"""The same where it may not."""
LONGEST_PAUSE: Final = 60.0
"""Seconds for which a client may be about to try again, beyond what it was told to wait."""
LONGEST_REST: Final = 10.0
"""Seconds for which it may be about to do anything else; the documentation says to poll every two to five."""


def is_fault(seen: Seen) -> bool:
    """Return whether a reply is not what the task needs."""
    return seen.reply.is_fault or seen.reply.response.status >= 400


def is_whole(seen: Seen) -> bool:
    """Return whether the client can have had the whole reply."""
    return seen.reply.end is End.WHOLE and not seen.abandoned


def is_at_storage(seen: Seen) -> bool:
    """Return whether a request went to the storage host."""
    return "://" in seen.request.url


def read_json(body: bytes) -> object:
    """Return the JSON data of a body, or ABSENT if it has none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return ABSENT


def read_member(body: bytes, name: str) -> object:
    """Return a member of the JSON object in a body, or ABSENT."""
    data = read_json(body)
    return data.get(name, ABSENT) if isinstance(data, dict) else ABSENT


def is_same_request(one: Seen, other: Seen) -> bool:
    """Return whether two requests are the same, but for headers other than the key and how their JSON is spelt."""
    first, second = one.request, other.request
    return (
        (first.method, first.url) == (second.method, second.url)
        and header(first.headers, "Authorization") == header(second.headers, "Authorization")
        and has_same_body(one, other)
    )


def has_same_body(one: Seen, other: Seen) -> bool:
    """Return whether two requests have the same JSON, or else the same bytes."""
    data = read_json(one.request.body)
    return one.request.body == other.request.body or (data is not ABSENT and data == read_json(other.request.body))


def has_same_prompt(one: Seen, other: Seen) -> bool:
    """Return whether two requests have the same prompt, whatever else is in them."""
    prompt = read_member(one.request.body, "prompt")
    return prompt is not ABSENT and prompt == read_member(other.request.body, "prompt")


def read_retry_after(seen: Seen) -> int | None:
    """Return the seconds that a reply says to wait, if it says so as the page has it: in whole seconds, from 1."""
    seconds = whole_number(header(seen.reply.response.headers, "Retry-After"))
    return seconds if seconds else None


def may_try_again(seen: Seen) -> bool:
    """Return whether a client may try again after this reply: the page lets it, or it has no answer to go by."""
    response = seen.reply.response
    if read_member(response.body, "failure_code") in TRANSIENT:
        return True
    return response.status in RETRYABLE or response.status >= 500 or not is_whole(seen)


def is_in_progress(seen: Seen) -> bool:
    """Return whether a reply tells of a generation that is not over."""
    return seen.route is Route.POLL and read_member(seen.reply.response.body, "state") in UNFINISHED


def count_generations(conduct: Conduct) -> int:
    """Return how many submissions were accepted, and the client told so."""
    return sum(one.reply.response.status == 201 and is_whole(one) for one in conduct.of(Route.CREATE))


def find_shortfall(conduct: Conduct) -> str | None:
    """Return what is missing if the client says that its task is done, or None if it is done."""
    if conduct.given["LUMA_TASK"] == Task.CREATE:
        return _find_missing_id(conduct)
    return _find_wrong_file(conduct)


def _find_missing_id(conduct: Conduct) -> str | None:
    replies = [one.reply.response for one in conduct.of(Route.CREATE) if is_whole(one)]
    ids = [read_member(reply.body, "id") for reply in replies if reply.status == 201]
    if not ids:
        return "no generation was accepted"
    printed = conduct.output.lower()
    return None if any(str(one).lower() in printed for one in ids) else "it did not print the id of the generation"


def _find_wrong_file(conduct: Conduct) -> str | None:
    written = conduct.written
    if written is None:
        return "it wrote no file"
    firsts = {one.output_url for one in conduct.of(Route.POLL)}
    downloads = conduct.of(Route.DOWNLOAD)
    same = [one for one in downloads if _is_file(one) and one.reply.response.body == written]
    if any(one.request.url in firsts for one in same):
        return None
    if same:
        return "it wrote an output that is not the first"
    return _describe_file(conduct, written)


def _is_file(download: Seen) -> bool:
    """Return whether a download was answered with a whole file."""
    return is_whole(download) and download.reply.response.status == 200


def _describe_file(conduct: Conduct, written: bytes) -> str:
    """Return what a wrong file is."""
    if not written:
        return "it wrote an empty file"
    for one in conduct.seen:
        response = one.reply.response
        if response.body.strip() == written.strip():
            part = " of a broken download" if response.status == 200 and one.route is Route.DOWNLOAD else ""
            return f"it wrote the body of the answer {response.status}{part}"
        if one.route is Route.DOWNLOAD and response.body.startswith(written):
            return f"it wrote {len(written):,} of {len(response.body):,} bytes"
    return f"it wrote {len(written):,} bytes that are not the output"


def find_telling(conduct: Conduct) -> str | None:
    """Return what a client that failed has to print: the `detail` or `failure_code` that it got at last, if any."""
    task = [one for one in conduct.seen if one.route is not Route.OTHER]
    if not task or not is_fault(task[-1]) or not is_whole(task[-1]):
        return None
    body = task[-1].reply.response.body
    for name in ("detail", "failure_code", "failure_reason"):
        if isinstance(text := read_member(body, name), str) and text is not ABSENT:
            return text
    return None


def is_printed(text: str, output: str) -> bool:
    """Return whether a text was printed, however it was wrapped, quoted or escaped."""
    return _flatten(text) in _flatten(output)


def _flatten(text: str) -> str:
    """Return the ASCII letters and digits of a text, without escapes and what they stand for."""
    plain = re.sub(r"\\(u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[nrt])", " ", text)
    return "".join(one for one in plain.casefold() if one.isascii() and one.isalnum())


def is_waiting(conduct: Conduct) -> bool:
    """Return whether a client that was stopped may have been in a wait that nobody can hold against it."""
    task = [one for one in conduct.seen if one.route is not Route.OTHER]
    if not task:
        return False
    last = task[-1]
    again, running = may_try_again(last), is_in_progress(last)
    alike = sum(one.reply.says == last.reply.says for one in conduct.of(last.route))
    if alike > (PERSISTENT if again or running else STUBBORN):
        return False
    longest = LONGEST_PAUSE + (read_retry_after(last) or 0) if again else LONGEST_REST
    return conduct.seconds - (last.answered - conduct.seen[0].arrived) <= longest


def list_broken_off(conduct: Conduct) -> Iterator[tuple[Seen, Seen]]:
    """Yield each submission that may have made a generation without the client knowing, and the one after it."""
    for one, following in pairwise(conduct.of(Route.CREATE)):
        status = one.reply.response.status
        is_answered = is_whole(one) and (status < 500 or status in RETRYABLE) and one.answered <= following.arrived
        if not is_answered:
            yield one, following
