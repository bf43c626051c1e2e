"""For pytest: two fixtures that assert, effects in the JUnit file, and what was allowed at the end.

Nothing of Evenhand is imported before a test asks for a fixture: every pytest run of every project
in the environment loads this module.

``assert_even`` and ``assert_no_worse`` are :func:`evenhand.assert_even` and
:func:`evenhand.assert_no_worse`; as fixtures they also record properties. An entry of ``allow:``
holds ``treatment``, ``up_to``, ``because``, ``owner``, ``until`` (at most twelve months ahead) and,
where they are not the usual ones, ``probe`` and ``direction``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

MARK, ALLOWED = "evenhand.", ".allowed"
"""How the names of recorded properties begin, and how those of allowed findings end."""


@pytest.fixture
def assert_even(record_property: Callable[[str, object], None]) -> Callable[..., Any]:
    """Assert that a model quotes evenly: ``assert_even(model, personas=…, treat=…, …)``."""
    from . import api

    return partial(api.assert_even, record_property=record_property)


@pytest.fixture
def assert_no_worse(record_property: Callable[[str, object], None]) -> Callable[..., Any]:
    """Assert that a model is no less even than an earlier run: ``assert_no_worse(model, run, …)``."""
    from . import api

    return partial(api.assert_no_worse, record_property=record_property)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say at the end which differences were allowed: they are findings all the same."""
    # from the reports, so that it is the same under pytest-xdist
    lines = list(dict.fromkeys(_allowed(terminalreporter)))
    if not lines:
        return
    from . import messages

    terminalreporter.section(messages.text("api.summary"))
    for line in lines:
        terminalreporter.line(line)


def _allowed(terminalreporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) != "call":
                continue
            for name, value in getattr(report, "user_properties", ()):
                if str(name).startswith(MARK) and str(name).endswith(ALLOWED):
                    yield f"{report.nodeid} · {value}"
