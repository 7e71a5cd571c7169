"""The signatures of presigned URLs: secrets that a target makes, told by the names of their parameters."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from hashlib import sha256
from typing import Final

from luma_conformance.redaction.needles import REDACTED, Span

# A signing parameter of a presigned URL, under the names the cloud providers use. Whoever has its value can fetch the
# file, so it is a secret the target makes. Examples, all matched with the value `abc`:
#     ?X-Amz-Signature=abc    &sig=abc    ;Signature=abc      as a URL has it, `;` from an HTML reference (&amp;)
#     %3FX-Amz-Signature%3Dabc    %253Fsig%253Dabc            percent-encoded, once or more often: (?:25)*
#     \u0026Signature\u003dabc                                as JSON encoders write & and =
# The value ends before the next parameter in any of these forms, and before a space, quote, bracket, # or backslash.
# The first class repeats what the lookbehinds allow: the engine skips quickly to a character of one class.
SIGNED: Final = re.compile(
    rb"""(?ix) [?&;%\\] (?: (?<=[?&;]) | (?<=%)(?:25)*(?:3f|26) | (?<=\\)u0026 )
    (?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|awsaccesskeyid|googleaccessid|key-pair-id|policy)
    (?:=|%(?:25)*3d|\\u003d)
    (?P<value>(?:[^&;\s"'<>\\\#%]++|%(?!(?:25)*26))++)"""
)
"""A parameter with a signature; the group `value` is that."""

_REDACTED: Final = REDACTED.encode()
_SIGNED_BY: Final = re.compile(rb"[=%\\]")
_SIGNERS: Final = (b"sig", b"policy", b"credential", b"security-token", b"accesskeyid", b"accessid", b"key-pair-id")


def find_signatures(shown_before: Collection[bytes], raw: bytes, at: int) -> Iterator[Span]:
    """Yield where signing parameters have values, from a place on; of a digest of each eight digits are shown.

    So two still differ. In a text that was scrubbed before, some have what stands for a secret: one of `shown_before`.
    """
    if _SIGNED_BY.search(raw) is None:  # which is told quickly
        return
    lower = raw.lower()
    if not any(name in lower for name in _SIGNERS):  # this too
        return
    for found in SIGNED.finditer(raw, at):
        value = found["value"]
        if not value.startswith(_REDACTED) and value not in shown_before:
            shown = b"%b-%b" % (_REDACTED, sha256(value).hexdigest()[:8].encode())
            yield Span(*found.span("value"), shown, whole=True)
