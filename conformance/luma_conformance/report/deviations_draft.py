"""A draft of the file of known deviations, from the failures of a run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from luma_conformance.judge.deviations import LINE
from luma_conformance.judge.judged import Judged
from luma_conformance.matching import one_line
from luma_conformance.model import Outcome

TODO: Final = "TODO: why is this known, and who looks after it?"


def draft(verdicts: Iterable[Judged]) -> str:
    """Return the text of a file with an entry for each wrong answer; somebody still has to write the reasons."""
    entries = [entry for judged in verdicts if judged.verdict is Outcome.FAIL for entry in _draft_entries(judged)]
    head = "# Wrong answers that are known; a run takes them with --luma-deviations. Write each reason.\n"
    return "\n".join([head, *entries])


def _draft_entries(judged: Judged) -> Iterator[str]:
    seen: set[tuple[bool, str]] = set()
    for one in judged.differences:
        line = one.facet in LINE
        answer = judged.actual if line and judged.actual else f"{one.where}: {one.why}"
        if (line, answer) in seen:
            continue
        seen.add((line, answer))
        cases = judged.case.replace("[", "[[]")  # it becomes a glob, in which a bracket begins a set of characters
        members = {"cases": cases, "facet": one.facet, "answer": answer, "reason": TODO}
        yield "\n".join(["[[deviation]]", *(f"{name} = {_quote(text)}" for name, text in members.items()), ""])


def _quote(text: str) -> str:
    """Return a text as a TOML string: a JSON string on one line is one."""
    return json.dumps(one_line(text), ensure_ascii=False)
