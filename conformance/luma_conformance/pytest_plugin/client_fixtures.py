"""The fixtures for unit tests of clients; like the plugin, this imports nothing until a test asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from luma_conformance.errors import InputError

if TYPE_CHECKING:
    from luma_conformance.clients.mocks import LumaErrors
    from luma_conformance.clients.transport import LumaReference
    from luma_conformance.clients.virtual_time import VirtualTime
    from luma_conformance.reference.settings import Settings


@pytest.fixture
def luma_time() -> Iterator[VirtualTime]:
    """Let the test's client sleep at no cost: sleeping and clocks are replaced until the test ends."""
    from luma_conformance.clients.virtual_time import VirtualTime

    with VirtualTime() as virtual_time:
        yield virtual_time


@pytest.fixture
def luma_errors(request: pytest.FixtureRequest) -> Iterator[LumaErrors]:
    """Make mocks of the documented answers, by the ids of cases; sleeping costs nothing until the test ends."""
    from luma_conformance.clients.mocks import LumaErrors

    _require_extra("luma_errors")
    failed = request.session.testsfailed
    with LumaErrors() as errors:
        yield errors
        if request.session.testsfailed == failed:  # a test that failed has told enough
            try:
                errors.check_called()
            except AssertionError as error:
                pytest.fail(str(error), pytrace=False)


@pytest.fixture
def luma_settings() -> Settings:
    """Return the settings of the reference: the limits of the page's examples; override it for others."""
    from luma_conformance.clients.transport import ORDINARY

    return ORDINARY


@pytest.fixture
def luma_reference(luma_settings: Settings) -> Iterator[LumaReference]:
    """Put the reference behind clients of httpx; sleeping costs nothing until the test ends."""
    from luma_conformance.clients.transport import LumaReference

    _require_extra("luma_reference")
    with LumaReference(luma_settings) as reference:
        yield reference


@pytest.fixture
def luma_server(luma_settings: Settings) -> Iterator[LumaReference]:
    """Serve the reference on a port of this machine, for any client; sleeping costs nothing until the test ends."""
    from luma_conformance.clients.transport import LumaReference

    with LumaReference(luma_settings) as reference:
        reference.serve()
        yield reference


def _require_extra(fixture: str) -> None:
    """Fail the test, without a traceback, where the packages of the extra are not installed."""
    from luma_conformance.clients.mocks import require_extra

    try:
        require_extra(fixture)
    except InputError as error:
        pytest.fail(str(error), pytrace=False)
