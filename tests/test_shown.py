"""Text that may be shown: the order of hiding and cutting, as the type checker, the house and the redactor keep it."""

from __future__ import annotations

import ast
from base64 import b64encode
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.judge.explain import describe_answer
from luma_conformance.matching import show
from luma_conformance.model import Response
from luma_conformance.redaction.redactor import Redactor
from luma_conformance.report.compare import Comparison
from luma_conformance.report.compare_formats import WRITERS
from luma_conformance.report.result import Run
from luma_conformance.shown import MAX_SHOWN, REACH, Shown, clip, clip_middle, cut, fill, join, one_line, quote
from tests.kit import same_examples
from tests.test_house import MODULES

KEY = "luma-api-c4naryP9xQ7wZ2mK5vT8rB3n"
SHORT = "k3y-7"
REDACTOR = Redactor({KEY: "$KEY", SHORT: "$SHORT"})
LEFT_OUT = "more characters"


def pieces(text: str) -> list[str]:
    """Return the pieces of the key that are in a text, each of eight characters."""
    return [KEY[at : at + 8] for at in range(9, len(KEY) - 7) if KEY[at : at + 8] in text]


def _is_refused_by_the_type_checker(text: str, shown: Shown, comparison: Comparison) -> None:
    """Never run: mypy, which warns of an ignore that it has no need of, refuses each line of these."""
    cut(text, 3)  # type: ignore[arg-type]
    cut(shown[:5], 3)  # type: ignore[arg-type]
    cut(f"said: {shown}", 3)  # type: ignore[arg-type]
    cut(clip(text, 3), 3)  # type: ignore[arg-type]
    cut(one_line(text), 3)  # type: ignore[arg-type]
    cut(shown + text, 3)  # type: ignore[arg-type]
    join("\n", [text])  # type: ignore[list-item]
    fill("said {}", text)  # type: ignore[arg-type]
    Run(target=text)  # type: ignore[arg-type]
    WRITERS["md"]([comparison])  # type: ignore[list-item, call-arg]
    accepted: list[Shown] = [cut(shown, 3), one_line(shown), join("\n", [shown]), fill("said {}", shown)]
    accepted += [REDACTOR.show(text), REDACTOR.scrub(clip(text, 3)), describe_answer(Response(status=1), REDACTOR.show)]


@same_examples(100)
@given(st.integers(0, 60), st.sampled_from([KEY, b64encode(KEY.encode()).decode(), KEY.encode().hex(), f'"{KEY}"']))
def test_a_text_may_be_clipped_anywhere_in_a_key(most: int, spelt: str) -> None:
    """The redactor sees the whole of what is cut through, and nothing of it is shown."""
    text = f"{'-' * 20}{spelt}{'-' * 20}"
    for shown in (REDACTOR.show(f"a {clip(text, most)} b"), REDACTOR.show(f"a {quote(text, most)} b")):
        assert KEY[9:12] not in shown
        assert spelt[2:8] not in shown
        assert shown.endswith((" b", "' b"))


@same_examples(100)
@given(st.integers(0, 40), st.integers(0, 40))
def test_the_middle_of_a_text_may_be_clipped_anywhere_in_a_key(first: int, last: int) -> None:
    """What is shown of either end has no part of a key that reaches into what is left out."""
    shown = REDACTOR.show(clip_middle(f"{'-' * 9}{KEY}{'-' * 9}", first, last))
    assert "c4n" not in shown
    assert "B3n" not in shown


@pytest.mark.parametrize("most", [0, 1, 3, 4])
def test_a_short_key_is_not_shown_by_half(most: int) -> None:
    """One of fewer than eight characters is known only whole, and so it is looked for before the cut."""
    assert REDACTOR.show(clip(SHORT, most)) == f"$SHORT… {len(SHORT) - most} {LEFT_OUT}" or most == 0
    assert "k3" not in REDACTOR.show(clip(f"{SHORT} and more", most))


def test_a_long_text_is_cut_where_it_is_shown() -> None:
    """At any length, with a key across the very place."""
    for shift in range(len(KEY) + 1):
        shown = REDACTOR.show(f"{'-' * (MAX_SHOWN - shift)}{KEY}{'-' * 100_000}")
        assert pieces(shown) == []
        assert "c4n" not in shown
        assert LEFT_OUT in shown
        assert len(shown) < MAX_SHOWN + 50


@pytest.mark.parametrize("text", ["\U000e0f00", "a\U000e0f00b\U000e0f13", "\U000e0f00\U000e0f00\U000e0f15\U000e0f11"])
def test_a_target_cannot_hide_what_stands_behind_its_text(text: str) -> None:
    """Marks in a text of somebody else's are no marks: what a message says after it is shown."""
    for said in (show(text), clip(text, 400), quote(text, 400)):
        assert REDACTOR.show(f"got {said}, and the status is wrong").endswith(", and the status is wrong")
    assert REDACTOR.show(f"{text[:1]} and more").endswith(" and more")


@same_examples(100)
@given(st.text(max_size=60), st.integers(0, 70))
def test_a_clipped_text_says_how_much_is_left_out(text: str, most: int) -> None:
    """What is shown is the beginning; the count is of the text as it was."""
    shown = Redactor().scrub(clip(text, most))
    if len(text) <= most:
        assert shown == text
    else:
        assert shown == f"{text[:most]}… {len(text) - most} {LEFT_OUT}"


def test_a_message_holds_little_more_than_it_shows() -> None:
    """An explanation of an answer of 16 MB takes kilobytes, so that five hundred of them fit."""
    heavy = "é" * 16_000_000
    assert len(show(heavy, 400)) < 400 + REACH + 50
    assert len(clip(heavy, 400)) < 400 + REACH + 50
    assert len(clip_middle(heavy, 400, 400)) < 800 + 2 * REACH + 50


def _find(kind: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    for name, tree in MODULES.items():
        yield from ((name, node) for node in ast.walk(tree) if isinstance(node, kind))


def _called(*names: str) -> Iterator[tuple[str, ast.Call]]:
    for module, node in _find(ast.Call):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
            yield module, node


def test_only_the_redactor_makes_text_that_may_be_shown() -> None:
    """Nobody else calls the type, or casts to it; reports and comparisons are made of it in one place each."""
    named_alike = {"strategies/identity", "suite/test_identity"}  # a class of that name is another
    assert {module for module, _ in _called("Shown")} - named_alike == {"shown", "redaction/redactor"}
    assert {module for module, _ in _called("Report")} == {"report/formats", "report/compare_formats"}
    assert {module for module, _ in _called("ShownComparison")} == {"report/compare"}
    assert not [module for module, call in _called("cast") if "Shown" in ast.unparse(call)]


def test_the_gaps_of_own_words_are_filled_in_words_written_out() -> None:
    """What is filled in is no template of anybody else's."""
    filled = [call.args[0] for module, call in _called("fill") if module in ("judge/causes", "judge/evidence")]
    assert filled
    assert all(isinstance(template, ast.Constant) for template in filled)


def test_the_commands_print_through_one_door() -> None:
    """Only `cli/output` prints a text; elsewhere `print` at most flushes, or has what the redactor of a run returns."""
    printing = {module for module, call in _called("print") if call.args}
    assert printing <= {"cli/output", "reading/lock", "pytest_plugin/full_output"}  # a lock's message is scrubbed too


def test_no_message_is_put_together_from_a_slice() -> None:
    """Before the redactor a text is clipped, not sliced: an f-string with the start of a text would hold half a key."""
    sliced = {
        f"{module}: {ast.unparse(part)}"
        for module, node in _find(ast.FormattedValue)
        if module.split("/")[0] not in ("shown", "report", "pytest_plugin", "miniatures", "strategies")
        for part in ast.walk(node)
        if isinstance(part, ast.Subscript) and isinstance(part.slice, ast.Slice) and _is_shortening(part)
    }
    assert sliced == NO_TEXT_OF_OTHERS


NO_TEXT_OF_OTHERS = {
    "cli/miniatures: name[:10]",
    "clients/explain: found[0][:8]",  # of an id
    "clients/verdict: told[:MAX_FAULTS]",  # of a list
    "judge/evidence: first[:MAX_SUMMARY]",  # of a verdict
    "reading/regular_file: file.name[:50]",  # names of files, in names of files
    "session/open: uuid.uuid4().hex[:8]",
}


def _is_shortening(part: ast.Subscript) -> bool:
    """Return whether a slice may leave out the end of a text; one of a constant does not."""
    assert isinstance(part.slice, ast.Slice)
    upper = part.slice.upper
    of_constant = isinstance(part.value, ast.Name) and part.value.id.isupper()
    shortens = isinstance(upper, ast.Name | ast.BinOp) or (isinstance(upper, ast.Constant) and upper.value != 1)
    return shortens and not of_constant
