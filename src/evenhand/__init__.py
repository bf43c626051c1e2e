"""Evenhand (无欺): audits a pricing or recommendation model from outside, as a mystery shopper does.

The main path of an audit, from what is asked to what is said, module by module:

1. :mod:`evenhand.audit.plan`: the *plan*, what will be asked, of whom, within which limits and why;
   read from a file, with every mistake named, by :mod:`evenhand.audit.planfile`.
2. :mod:`evenhand.audit.resolve`: plan → ``Study`` (tables, attributes, items), and
   :mod:`evenhand.audit.lock`: what a run is a pure function of.
3. :mod:`evenhand.probes.protocol`: all that is asked is a ``Question``. Its ``design`` gives the
   next wave of whole blocks (:mod:`evenhand.probes.design`), a pure function of the study and of
   the complete waves before it.
4. :mod:`evenhand.audit.journal`: the wave is stored and hashed *before* its first call.
5. :mod:`evenhand.audit.target.protocol`: ``render`` (pure), ``send`` (the one line that acts on the
   world), ``read`` (pure).
6. ``Probe.test``: all answers → ``Evidence``; the statistics are in :mod:`evenhand.metrics`. Most
   probes are one design, :mod:`evenhand.probes.matched`, and say only what varies.
7. :mod:`evenhand.audit.decide`: evidence → one of four verdicts, and what stays open for the next
   wave.
8. :mod:`evenhand.audit.record`: lock and answers → *record*, the only thing a report is made from.
9. :mod:`evenhand.reports`: record and annex → one self-contained page or PDF a language.

:mod:`evenhand.audit.run` is the loop that goes round 3 to 7 until nothing is open.
Customers are in :mod:`evenhand.datasets.personas`, sentences in :mod:`evenhand.messages`, and what
is raised on purpose in :mod:`evenhand.errors`.

From Python, ``evenhand.run(model, personas=…, treat=…)`` is all of it (:mod:`evenhand.api`). By hand
the same path is ``audit = prepare(load(Path("plan.yaml")))``, then
``evenhand.audit.run.run(audit, begin(audit, folder))``.

Nothing is loaded before it is used: ``import evenhand`` costs no more than this file.

Examples
--------
>>> import evenhand
>>> evenhand.messages.text("words.cleared", "en")
'within the limit'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import errors, messages
    from .api import Allow, Result, assert_even, assert_no_worse, run
    from .audit.planfile import load
    from .audit.record import Record
    from .audit.run import begin, prepare

    __version__: str

__all__ = [
    "Allow",
    "Record",
    "Result",
    "__version__",
    "assert_even",
    "assert_no_worse",
    "begin",
    "errors",
    "load",
    "messages",
    "prepare",
    "run",
]

_HOMES = {
    "Allow": ".api",
    "Record": ".audit.record",
    "Result": ".api",
    "assert_even": ".api",
    "assert_no_worse": ".api",
    "begin": ".audit.run",
    "errors": "",
    "load": ".audit.planfile",
    "messages": "",
    "prepare": ".audit.run",
    "run": ".api",
}
"""Public name → the module that it is taken from; the empty string: it is a module itself."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("evenhand")
    elif name in _HOMES:
        home = _HOMES[name]
        value = (
            getattr(import_module(home, __name__), name)
            if home
            else import_module(f".{name}", __name__)
        )
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
