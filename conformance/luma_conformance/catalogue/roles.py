"""The roles a case may need of a target, and the values the kit supplies itself.

A role is something a profile offers under that name; a case that needs a role the profile does not offer is not judged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

FAILURE_CODES: Final = (
    "content_moderated",
    "generation_failed",
    "budget_exhausted",
    "output_not_found",
    "image_too_large",
    "unsupported_format",
    "corrupt_input",
    "invalid_request",
    "rate_limited",
)
"""The complete list under "Failure codes"."""

MAIN_KEY: Final = "main-key"

KEYS: Final[Mapping[str, str]] = {
    MAIN_KEY: "the key requests are sent with unless a case says otherwise",
    "second-key": "a second key of the main key's client",
    "other-key": "a key of another client",
    "revoked-key": "a key that was revoked",
    "expired-key": "a key past its expiry",
    "unfunded-key": "a key whose account has no balance",
    "suspended-key": "a key whose client is suspended",
    "deactivated-key": "a key whose client is deactivated",
    "low-rpm-key": "a key, of its own client, with a small RPM limit; its concurrent-job limit is not tighter",
    "low-concurrency-key": "a key, of its own client, with a small concurrent-job limit; its RPM limit is not tighter",
}
CLIENTLESS: Final = ("revoked-key", "expired-key")
"""The roles of keys that open nothing: of which client they were does not matter."""
MEDIA: Final[Mapping[str, str]] = {
    "image-url": "a public URL of an image",
    "video-url": "a public URL of an MP4 video of 5 to 10 seconds at 24 frames a second",
    "missing-url": "an image URL that answers 404",
    "forbidden-url": "an image URL that answers 403",
    "failing-url": "an image URL that answers 500",
    "unreachable-url": "a URL whose host cannot be reached",
    "pdf-url": "a URL that serves something other than an image",
    "oversized-url": "a URL of an image above 50 MB",
    "oversized-pixels-url": "a URL of an image of 9000x6000 pixels",
    "tall-pixels-url": "a URL of an image of 6000x9000 pixels",
    "proxy-down-url": "a URL for which the fetch proxy is down",
    "ingestion-off-url": "a URL for which media URL ingestion is off",
}
PROMPTS: Final[Mapping[str, str]] = {
    "queued-prompt": "a prompt whose generation stays queued",
    "processing-prompt": "a prompt whose generation stays in processing",
    **{f"{code.replace('_', '-')}-prompt": f"a prompt whose generation fails with {code}" for code in FAILURE_CODES},
}
GENERATIONS: Final[Mapping[str, str]] = {
    "completed-image": "the id of a completed image generation of the main key's client",
    "completed-video": "the id of a completed video generation of the main key's client",
}
TAKEN_FOR_GRANTED: Final[Mapping[str, str]] = {
    "url-ingestion": "media URLs in requests are fetched",
    "image-decoding": "the dimensions of inline images are read",
    "output-files": "the URLs of outputs serve files, for an hour",
}
"""What a target is judged by unless its profile says that it lacks it, as a mock may on purpose."""
OFFERS: Final[Mapping[str, str]] = {
    "fast-clock": "a clock the kit can advance",
    "large-uploads": "request bodies above 70 MB",
    "hdr-access": "an account with access to HDR",
    **TAKEN_FOR_GRANTED,
}
ROLES: Final[Mapping[str, str]] = {**KEYS, **MEDIA, **PROMPTS, **GENERATIONS, **OFFERS}
"""Every role by name, with a description of what the target offers under it."""

EITHER: Final[Mapping[str, tuple[str, ...]]] = {"video-source": ("video-url", "completed-video")}
"""What properties need by another name, and the roles of which any one will do."""

OWN_ROLE: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""How a role of somebody's own is spelt, which a profile declares and the case files of that somebody need."""

SUPPLIES: Final[Mapping[str, str]] = {
    "prompt-of-6000": "a prompt of 6000 characters",
    "prompt-of-6001": "a prompt of 6001 characters",
    "inline-png": "a small PNG, base64",
    "inline-jpeg": "a small JPEG, base64",
    "inline-webp": "a small WebP, base64",
    "inline-gif": "a small GIF, base64",
    "inline-mp4": "the first bytes of an MP4, base64",
    "inline-video": "an MP4 of five seconds, 640x360, base64",
    "inline-8000x8000": "a PNG of 8000x8000 pixels, base64",
    "inline-9000x6000": "a PNG of 9000x6000 pixels, base64",
    "inline-50-mb": "a PNG of exactly 52,428,800 bytes, base64",
    "inline-over-50-mb": "a PNG of more than 52,428,800 bytes, base64",
    "inline-video-over-50-mb": "the first bytes of an MP4 and more than 52,428,800 in all, base64",
}
"""The values the kit supplies itself, by placeholder name."""

REPEATED: Final = re.compile(r"text-([1-9][0-9]{0,4})-((?:[0-9a-f]{1,6}-){0,7}[0-9a-f]{1,6})")
"""The name of a text that repeats a few characters, told by their code points: `text-6001-61` is 6001 times `a`."""


def is_supplied(name: str) -> bool:
    """Return whether the kit supplies the value of a placeholder itself."""
    return name in SUPPLIES or REPEATED.fullmatch(name) is not None
