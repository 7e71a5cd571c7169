"""How long a generation is polled for, and what is remembered of those that did not come to an end in that time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from luma_conformance.judge.answers import is_settled
from luma_conformance.model import Case, Exchange, Repeat, Step

_IMAGE: Final = "uni-1"
_TYPES: Final = {"ray-3.2": "video"}


@dataclass(kw_only=True)
class Patience:
    """The patience with one target's generations; `seconds` is None where each case says how long it polls.

    A generation that does not end is a finding once. What needs another like it is then not judged, and not waited for:
    any at all if none ever ended, any of its model and type if none of these did, or else those with its prompt.
    """

    seconds: float | None = None
    _ended: set[str] = field(default_factory=set)
    _stuck: dict[str, str] = field(default_factory=dict)

    def is_over(self, repeat: Repeat, exchanges: list[Exchange]) -> bool:
        """Return whether a step has been repeated often or long enough."""
        if self.seconds is None or repeat.until_state is None or not repeat.every:
            return len(exchanges) >= repeat.at_most
        # Counted too: what is polled may take its time to answer, and a recording has to come to the same end.
        waited = exchanges[-1].received - exchanges[0].sent
        return waited >= self.seconds or (len(exchanges) - 1) * repeat.every >= self.seconds

    def note(self, repeat: Repeat, request: object, exchanges: list[Exchange]) -> None:
        """Note whether the generation of a request has come to where it was polled for; None is one made elsewhere."""
        if request is None or repeat.until_state is None:
            return
        if is_settled(repeat, exchanges[-1].response):
            self._ended |= {"", *_describe_kinds(request)[:2]}
        elif exchanges[-1].response.status == 200:
            self.note_stuck(request, exchanges[-1].received - exchanges[0].sent)

    def note_stuck(self, request: object, seconds: float) -> None:
        """Note that the generation of a request did not end in so many seconds."""
        kind, worded = _describe_kinds(request)
        scope = next((scope for scope in ("", kind) if scope not in self._ended), worded)
        found = f"a generation ({kind}) did not end within {seconds:.0f} s, which failed once"
        self._stuck.setdefault(scope, f"{found}; --luma-patience SECONDS waits longer")

    def find_reason(self, request: object) -> str | None:
        """Return why no other generation of such a request is waited for, or None."""
        return next((self._stuck[scope] for scope in ("", *_describe_kinds(request)) if scope in self._stuck), None)

    def find_unmet(self, case: Case) -> str | None:
        """Return why no generation that a case would poll is waited for, or None."""
        made: object = None
        for step in case.steps if self._stuck else ():
            if _creates(step):
                made = step.ask.body
            elif made is not None and _waits(step) and (why := self.find_reason(made)) is not None:
                return why
        return None


def _creates(step: Step) -> bool:
    return step.ask.method == "POST" and 201 in step.expect.status


def _waits(step: Step) -> bool:
    return step.repeat is not None and step.repeat.until_state is not None


def _describe_kinds(request: object) -> tuple[str, str]:
    """Return the model and type of a request, and these with its prompt."""
    body: Mapping[str, object] = request if isinstance(request, dict) else {}
    model = str(body.get("model", _IMAGE))
    kind = f"{model} {body.get('type', _TYPES.get(model, 'image'))}"
    return kind, f"{kind}: {body.get('prompt')}"
