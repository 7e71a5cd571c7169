"""A copy of the page is read whatever has happened to its markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luma_conformance.ledger.forms import read_blocks
from tests.kit import same_examples
from tests.ledger.pages import PAGE, as_html, as_markdown

HTML = as_html(PAGE)
ODD = (
    "<", ">", "<!", "<![", "<![if x]>", "<![CDATA[", "]]>", "<!--", "<?", "</", "<main>", "</main>", "<head>", "<nav>",
    "<script>", "<title>", '"', "'", "&#x", "&#99999999999;", "<!ELEMENT a>", "\0", "<a b='", "<p", "<textarea>",
)  # fmt: skip


@pytest.mark.parametrize("suffix", [".html", ".md"])
@given(st.data())
@same_examples(60)
def test_any_markup_is_read(suffix: str, data: st.DataObject) -> None:
    """Whatever is put into it, wherever it ends, and however it is nested."""
    text = HTML if suffix == ".html" else as_markdown(PAGE)
    text = text[: data.draw(st.integers(0, len(text)))]
    for odd in data.draw(st.lists(st.sampled_from(ODD), max_size=4)):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + odd + text[place:]

    assert all(block.text.strip() for block in read_blocks(text, suffix))


def test_a_page_that_is_cut_off_is_read_up_to_there() -> None:
    """The element of its text has no end then."""
    whole = [block.text for block in read_blocks(HTML, ".html")]
    cut = [block.text for block in read_blocks(HTML[: HTML.index("</main>")], ".html")]

    assert cut == whole
    assert read_blocks("<p>a</p><main><p>b</p>", ".html")[0].text == "b"


@pytest.mark.parametrize("mark", ["<![if IE]>", "<![endif]>", "<![CDATA[x]]>", "<!-- x -->", "<?x y?>", "<!ELEMENT x>"])
def test_what_is_a_comment_to_a_browser_is_one_here(mark: str) -> None:
    """Such marks stand in pages that word processors made."""
    assert [block.text for block in read_blocks(f"<p>a {mark}b</p>", ".html")] == ["a b"]
