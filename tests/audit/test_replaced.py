"""A text that was put where another had been is told from any other."""

from __future__ import annotations

import pytest

from luma_conformance.audit.replaced import holds_replaced, is_hidden, is_replaced

REPLACED = ("REDACTED", "[REDACTED]", "<id>", "***", "xxxxxxxx", "[Filtered]", "{{token}}", "%TOKEN%", "$TOKEN", "…",
            "--redacted--", "REDACTED_API_KEY", "[request id]")  # fmt: skip
PLAIN = ("a fox", "d290f1ee-6c54-4b01-90e6-d701748f0851", "uni-1", "16:9", "", "x", "Unknown model: dummy",
         "hidden lake at dawn",
         "https://storage.example.com/a.png?X-Amz-Signature=REDACTED", "2026-11-26T12:00:00Z", "*" * 200)  # fmt: skip


@pytest.mark.parametrize("text", REPLACED)
def test_a_text_that_stands_for_another_is_recognised(text: str) -> None:
    """Words, brackets and signs that filters and people put there are recognised, in a body too."""
    assert is_replaced(text)
    assert is_hidden(text)
    assert is_hidden(f"Bearer {text}") or " " in text
    assert holds_replaced(f'{{"output": [{{"url": "{text}"}}]}}'.encode())
    assert holds_replaced(text.encode())


@pytest.mark.parametrize("text", PLAIN)
def test_a_text_that_may_be_what_was_sent_is_none(text: str) -> None:
    """A text that says something, or that only has such a word in it, stands for itself."""
    assert not is_replaced(text)
    assert not holds_replaced(f'{{"prompt": "{text}"}}'.encode())
