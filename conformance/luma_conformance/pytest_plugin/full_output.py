"""The end of a run whose output cannot be written, as on a full disk: a sentence, where pytest has tracebacks.

The command `run` names this plugin to pytest; other runs keep what pytest does.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import suppress

import pytest

from luma_conformance.errors import Exit
from luma_conformance.pytest_plugin.run import guard
from luma_conformance.reading.streams import discard_output


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, object, object]:
    """End as our other commands do; what was judged is in the reports, which are written by then."""
    try:
        status = yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # pytest knows it: the reader of the output, such as `head`, has read enough
    except OSError as error:
        with suppress(OSError):
            print(guard(config)[1](f"luma-conformance: cannot go on: {error}"), file=sys.stderr, flush=True)
        return Exit.USAGE
    else:
        return status
    finally:
        discard_output()
