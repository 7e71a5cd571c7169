"""A draft of the file of known deviations, from the failures of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Final

from luma_conformance.judge.causes import Cause, find_causes
from luma_conformance.judge.judged import Judged
from luma_conformance.shown import one_line

TODO: Final = "TODO: why is this known, and who looks after it?"
MAX_LISTED: Final = 10
"""Cases, or sections, that an entry lists; of more it has their sections, or all cases."""

_HEAD: Final = """\
# Wrong answers that are known; a run takes them with --luma-deviations, and `luma-conformance client` with
# --deviations. One entry for each cause: write its reason.
# In an answer, {id}, {time}, {number}, {url} and {any} stand for what varies.
"""


def draft(verdicts: Iterable[Judged]) -> str:
    """Return the text of a file with an entry for each cause; somebody still has to write the reasons.

    What is no difference of an answer, as that there was none, cannot be known.
    """
    return "\n".join([_HEAD, *(_draft_entry(cause) for cause in find_causes(verdicts) if cause.example.differences)])


def _draft_entry(cause: Cause) -> str:
    members = {
        "cases": _format(_list_globs(cause.cases)),
        "facet": _quote(cause.facet),
        "answer": _format(cause.answers),
        "reason": _quote(TODO),
    }
    head = f"# {one_line(cause.title)}: {cause.extent}"
    return "\n".join([head, "[[deviation]]", *(f"{name} = {text}" for name, text in members.items()), ""])


def _list_globs(cases: Sequence[str]) -> Sequence[str]:
    """Return some cases, or their sections where there are many, or all cases where there are many sections."""
    if len(cases) <= MAX_LISTED:
        return [_escape(case) for case in cases]
    sections = dict.fromkeys(f"{_escape(case[: max(map(case.rfind, '/#:')) + 1])}*" for case in cases)
    return [*sections] if len(sections) <= MAX_LISTED else ["*"]


def _escape(case: str) -> str:
    return case.replace("[", "[[]")  # in a glob, a bracket begins a set of characters


def _format(texts: Sequence[str]) -> str:
    """Return texts as a TOML string, or as an array of them over several lines."""
    if len(texts) == 1:
        return _quote(texts[0])
    return "\n".join(["[", *(f"  {_quote(text)}," for text in texts), "]"])


def _quote(text: str) -> str:
    """Return a text as a TOML string: a JSON string on one line is one."""
    return json.dumps(one_line(text), ensure_ascii=False)
