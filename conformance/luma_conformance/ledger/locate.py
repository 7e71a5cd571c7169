"""Finding the statements of a ledger in a copy of the page, wherever they stand now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from luma_conformance.ledger.ledger import Ledger, Statement, titles
from luma_conformance.ledger.page import Digest, Page, hash_stream, squeeze

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Where the statements of a ledger stand in a page, by their number; those that are not there are left out.

    `rest` are the parts of the stream in which none of them stands.
    """

    spans: Mapping[int, Span]
    rest: tuple[Span, ...]


def find_titles(ledger: Ledger, page: Page) -> dict[str, int]:
    """Return where each heading of a ledger that the page has stands first."""
    found = {section: max(page.stream.find(squeeze(title)) for title in titles(section)) for section in ledger.sections}
    return {section: place for section, place in found.items() if place >= 0}


def locate(ledger: Ledger, page: Page) -> Located:
    """Return where the statements of a ledger stand in a page.

    Statements are tried in their order, each where the one before it ended; only what is not there is looked for.
    """
    texts: dict[Digest, str] = {}
    search = _Search(page, {one.digest for one in ledger.statements})
    last = 0
    for one in ledger.statements:
        if one.digest not in texts and (found := _read_on(one, page.stream, last) or search.find(one.digest)):
            texts[one.digest] = found
        if (text := texts.get(one.digest)) is not None:
            place = page.stream.find(text, last)
            last = (place if place >= 0 else page.stream.find(text)) + len(text)
    spans: dict[int, Span] = {}
    numbers = defaultdict(list)
    for number, one in enumerate(ledger.statements):
        if one.digest in texts:
            numbers[one.digest].append(number)
    shared = {digest: [*_occurrences(page.stream, texts[digest])] for digest in numbers if len(numbers[digest]) > 1}
    # Those that stand once first, so that it is known which of equal ones is near; of these the longer ones first: a
    # short one may be a part of a long one.
    for digest in sorted(numbers, key=lambda digest: (digest in shared, -digest.size)):
        taken = [*spans.values(), *(span for one in shared if one.size > digest.size for span in shared[one])]
        places = [span for span in _occurrences(page.stream, texts[digest]) if not _overlaps(span, taken)]
        spans |= _share_out(numbers[digest], places, spans, ledger.statements)
    return Located(spans=spans, rest=tuple(_gaps(sorted(spans.values()), len(page.stream))))


def _read_on(one: Statement, stream: str, last: int) -> str | None:
    """Return the characters of a statement where they follow the last one, with or without their heading, or None."""
    forms = [squeeze(title) for title in titles(one.section)]
    for place in (last, *(last + len(form) for form in forms if stream.startswith(form, last))):
        text = stream[place : place + one.digest.size]
        if Digest.of_stream(text) == one.digest:
            return text
    return None


class _Search:
    """A search of the whole page for statements by their digests, which tell nothing of how they begin.

    All statements of a size are looked for at once, so that no part of the page is hashed twice.
    """

    def __init__(self, page: Page, wanted: Collection[Digest]) -> None:
        self._stream, self._wanted = page.stream, wanted
        self._starts = [place for place in range(len(page.stream)) if _may_begin(page, place)]
        self._ends = {*self._starts, len(page.stream)}
        self._found: dict[int, dict[Digest, str]] = {}

    def find(self, digest: Digest) -> str | None:
        """Return the characters that have a digest, where they stand first, or None."""
        if digest.size not in self._found:
            self._found[digest.size] = self._find_all(digest.size)
        return self._found[digest.size].get(digest)

    def _find_all(self, size: int) -> dict[Digest, str]:
        values = {one.value: one for one in self._wanted if one.size == size}
        found: dict[Digest, str] = {}
        for place in self._starts:
            if place + size in self._ends:
                text = self._stream[place : place + size]
                if (digest := values.get(hash_stream(text))) is not None:
                    found.setdefault(digest, text)
        return found


def _may_begin(page: Page, place: int) -> bool:
    """Return whether a statement may begin at a place of the stream: not within a word, unless words run together."""
    one, before = page.stream[place], page.text[page.origins[place] - 1] if page.origins[place] else " "
    return not (one.isalnum() and before.isalnum()) or (one.isupper() and not before.isupper())


def _occurrences(stream: str, text: str) -> Iterator[Span]:
    place = stream.find(text)
    while place >= 0:
        yield place, place + len(text)
        place = stream.find(text, place + len(text))


def _overlaps(span: Span, others: Sequence[Span]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _share_out(
    numbers: Sequence[int], places: Sequence[Span], known: Mapping[int, Span], statements: Sequence[Statement]
) -> dict[int, Span]:
    """Return which of several equal statements stands where: each as near as can be to its section."""
    if len(numbers) <= 1 or len(places) >= len(numbers):
        return dict(zip(numbers, places, strict=False))
    shared: dict[int, Span] = {}
    distances = sorted(
        (_distance(number, span, known, statements), number, span) for number in numbers for span in places
    )
    for _, number, span in distances:
        if number not in shared and span not in shared.values():
            shared[number] = span
    return shared


def _distance(number: int, span: Span, known: Mapping[int, Span], statements: Sequence[Statement]) -> int:
    """Return how far a place is from the nearest other statement of a section."""
    section = statements[number].section
    near = [abs(known[other][0] - span[0]) for other in known if statements[other].section == section]
    return min(near, default=10**9)


def _gaps(spans: Sequence[Span], end: int) -> Iterator[Span]:
    last = 0
    for start, stop in spans:
        if start > last:
            yield last, start
        last = max(last, stop)
    if end > last:
        yield last, end
