"""The rate limit proved on wrong servers."""

from __future__ import annotations

import pytest

from luma_conformance.properties.nonconformance import NonConformance
from luma_conformance.suite import test_rate_limit as rate_limit
from tests import miniatures
from tests.miniatures import Wrong, right
from tests.suite.target_on import target_on
from tests.suite.wrong_limits import counting_refusals, fixed, renumbered, shorter, with_limiter


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(with_limiter(refuse=fixed), id="fixed window"),
        pytest.param(with_limiter(refuse=shorter), id="window of 55 s"),
        pytest.param(renumbered("Retry-After", -1, status=429), id="Retry-After one short"),
        pytest.param(renumbered("X-RateLimit-Remaining", 1, status=201), id="Remaining one too many"),
    ],
)
def test_a_wrong_rate_limit_is_caught(wrong: Wrong) -> None:
    """A limiter that is wrong in one thing is caught, with the requests that show it."""
    with pytest.raises(NonConformance, match=r"#\d+ +\+"):
        rate_limit.test_the_window_slides_and_its_headers_tell_the_truth(target_on(wrong))


@pytest.mark.parametrize(
    "legal",
    [right, with_limiter(refuse=counting_refusals), miniatures.with_extras],
    ids=["none", "refusals count", "extras"],
)
def test_a_legal_rate_limit_is_not_accused(legal: Wrong) -> None:
    """Whether refused requests use quota is open, and observed."""
    luma_target = target_on(legal)

    rate_limit.test_the_window_slides_and_its_headers_tell_the_truth(luma_target)

    assert any("refused" in what for what in luma_target.observed)
