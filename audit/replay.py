"""Recomputing: from the raw answers to every number of the record, by the code that made it.

The same :class:`evenhand.audit.conduct.Conduct` designs each wave again, takes in the answers on
file, and decides; what follows must be the record. Nothing is sent and no vendor is imported.
"""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

from ..errors import EvidenceError, UsageError
from .ask import observed
from .bundle import Reader, checked, reading
from .compose import content, sha256_of
from .conduct import Conduct, Turn
from .folder import LOCK, PLAN, RunFolder
from .journal import Call, Journal, Opened
from .lock import Lock, same_coins, versions
from .planfile import load
from .planrequest import population_kind
from .record import Content
from .run import Audit, attempts_ceiling, prepare, reopen
from .target import address
from .target.protocol import Reply
from .verify import CONTENT

TOLERANCE = 1e-8
"""Relative difference up to which two numbers agree under other versions: eight digits."""


class Tape(Protocol):
    """Answers on file, given out wave by wave."""

    @property
    def attempts(self) -> int:
        """Trials sent in the waves that were given out so far."""
        ...

    def replies(self, number: int) -> Iterator[tuple[Call, Reply]]:
        """Yield the answered calls of a wave in the order of asking."""
        ...


class _JournalTape:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.attempts = 0

    def replies(self, number: int) -> Iterator[tuple[Call, Reply]]:
        for call, reply in self._journal.calls(number):
            self.attempts += call.count if call.attempt else 0
            if reply is not None:
                yield call, reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A finished audit, opened to be computed with; from a run folder or from a bundle.

    Parameters
    ----------
    name : str
        What people call it: the folder or the file.
    audit : Audit
        The plan, resolved again, under the lock that was sealed.
    sealed : mapping
        The content of the record, as plain data.
    waves : tuple of Opened
    tape : Tape
    """

    name: str
    audit: Audit
    sealed: Mapping[str, Any]
    waves: tuple[Opened, ...]
    tape: Tape

    @property
    def same_versions(self) -> bool:
        """Whether this is what the lock was made with: then the bytes must be the same."""
        return dict(self.audit.lock.versions) == versions()

    @property
    def other_versions(self) -> str:
        """What differs, for people: ``"numpy 2.0 → 2.1"``."""
        now = versions()
        then = self.audit.lock.versions
        names = sorted(set(now) | set(then))
        pairs = [(name, then.get(name, "–"), now.get(name, "–")) for name in names]
        return ", ".join(f"{name} {was} → {is_}" for name, was, is_ in pairs if was != is_)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What recomputing came to: the content, the state of the audit, whether the bytes are equal."""

    content: Content
    conduct: Conduct
    exact: bool


@contextmanager
def opened(path: Path, *, trust: bool = False) -> Iterator[Case]:
    """Open a run folder or a bundle; a bundle is verified first.

    Parameters
    ----------
    path : Path
    trust : bool
        Let the population function that a bundle's plan names run.

    Raises
    ------
    UsageError
        If there is no finished run, or a function would run without `trust`.
    EvidenceError
        If the bundle does not verify, or its plan is not the one that was locked.
    """
    if path.is_dir():
        audit, folder = reopen(path)
        with Journal.look(folder.journal) as journal:
            sealed = folder.read_record().content.model_dump(mode="json")
            yield Case(
                name=path.resolve().name,
                audit=audit,
                sealed=sealed,
                waves=tuple(journal.waves()),
                tape=_JournalTape(journal),
            )
        return
    checked(path)
    with (
        tempfile.TemporaryDirectory(prefix="evenhand-") as folder_,
        reading(path) as bundle,
    ):
        yield Case(
            name=path.name,
            audit=_resolved(bundle, Path(folder_), trust=trust),
            sealed=json.loads(bundle.read(CONTENT)),
            waves=tuple(bundle.waves()),
            tape=bundle,
        )


def _resolved(bundle: Reader, folder: Path, *, trust: bool) -> Audit:
    """Resolve the plan of a bundle in a folder of its own, under the lock that was sealed."""
    wanted = [name for name in bundle.names if name in {PLAN, LOCK} or name.startswith("inputs/")]
    for name in wanted:
        # names were checked against a pattern without "..", and no file of a bundle is a link
        copy = folder / name
        copy.parent.mkdir(exist_ok=True)
        with copy.open("wb") as file:
            for chunk in bundle.chunks(name):
                file.write(chunk)
    loaded = load(RunFolder.existing(folder).plan)
    population = loaded.plan.personas.population
    if population is not None and population_kind(population) == "function" and not trust:
        raise UsageError("evidence.replay_function", name=population)
    audit = prepare(loaded)
    lock = Lock.from_bytes((folder / LOCK).read_bytes())
    if lock.plan_sha256 != audit.lock.plan_sha256 and not (
        dict(lock.versions) != versions()
        and lock.files == audit.lock.files
        and difference(lock.plan, audit.lock.plan, loosely=True) is None
    ):
        raise EvidenceError("evidence.replay_plan")
    same_coins(audit.lock, lock)
    return replace(audit, lock=lock)


def recomputed(case: Case) -> tuple[Content, Conduct]:
    """Return the content of the record as it follows from the answers, and the state behind it.

    Raises
    ------
    EvidenceError
        If the waves on file are not those that follow: the first that is not.
    """
    audit, waves = case.audit, iter(case.waves)
    conduct, target = audit.conduct(), audit.target(offline=True)
    # all that is read of a journal is the replies of a wave, which every tape has
    tape = cast("Journal", case.tape)
    ceiling = attempts_ceiling(audit.plan)
    while (turn := conduct.next()) is not None:
        taken = _same_wave(turn, next(waves, None), exactly=case.same_versions)
        conduct.take(taken, observed(tape, target, taken.number, taken.wave))
        if ceiling <= case.tape.attempts:
            conduct.close()
    left = next(waves, None)
    if left is not None:
        raise _differs(f"wave {left.number}", left.question, "–")
    where = address(audit.plan.target)
    made = content(audit.plan, audit.lock, conduct, address=where, batch=target.batch)
    return made, conduct


def _same_wave(turn: Turn, found: Opened | None, *, exactly: bool) -> Turn:
    """Return the wave on file, which must be the one that follows; generators differ by version."""
    where = f"wave {turn.number}"
    if found is None or found.question != turn.question:
        raise _differs(where, found.question if found else "–", turn.question)
    if exactly and turn.wave.sha256() != found.sha256:
        raise _differs(where, found.sha256, turn.wave.sha256())
    return replace(turn, wave=found.wave)


def replay(case: Case) -> Replayed:
    """Recompute a record and hold it against the one on file.

    Under the lock's versions the two must be the same byte for byte; under others every number
    must agree to eight digits and every verdict must be equal (wording is left aside).

    Raises
    ------
    EvidenceError
        At the first difference: where, what the record has, what was recomputed.
    """
    made, conduct = recomputed(case)
    data = made.model_dump(mode="json")
    found = difference(case.sealed, data, loosely=not case.same_versions)
    if found is not None:
        raise _differs(*found)
    same = Content.model_validate(case.sealed) if case.same_versions else None
    exact = same is not None and sha256_of(same) == sha256_of(made)
    return Replayed(content=made, conduct=conduct, exact=exact)


def _differs(where: str, sealed: str, found: str) -> EvidenceError:
    return EvidenceError("evidence.replay_differs", where=where, sealed=sealed, found=found)


def difference(
    sealed: Any, found: Any, *, loosely: bool = False, where: str = ""
) -> tuple[str, str, str] | None:
    """Return the first place where two trees of plain data differ, with both values; None: nowhere.

    Parameters
    ----------
    sealed, found : plain data
    loosely : bool
        Numbers agree to eight digits, keys that are new in `found` and wording do not count.
    where : str
        Where these two stand.

    Examples
    --------
    >>> difference({"a": [1, 2.0]}, {"a": [1, 2.5]})
    ('a[1]', '2.0', '2.5')
    >>> difference({"a": 1.0}, {"a": 1.0 + 1e-12, "b": 3}, loosely=True)
    """
    if isinstance(sealed, Mapping) and isinstance(found, Mapping):
        return _of_mappings(sealed, found, loosely=loosely, where=where)
    if isinstance(sealed, list | tuple) and isinstance(found, list | tuple):
        if len(sealed) != len(found):
            return f"{where}[]", str(len(sealed)), str(len(found))
        pairs = zip(sealed, found, strict=True)
        placed = ((f"{where}[{i}]", *pair) for i, pair in enumerate(pairs))
        return _first(placed, loosely=loosely)
    if _equal(sealed, found, loosely=loosely):
        return None
    return where, _shown(sealed), _shown(found)


def _of_mappings(
    sealed: Mapping[str, Any], found: Mapping[str, Any], *, loosely: bool, where: str
) -> tuple[str, str, str] | None:
    if loosely and set(sealed) == {"zh", "en"} == set(found):
        return None
    names = list(sealed) if loosely else [*sealed, *(key for key in found if key not in sealed)]
    missing = "–"
    head = f"{where}." if where else ""
    return _first(
        ((f"{head}{key}", sealed.get(key, missing), found.get(key, missing)) for key in names),
        loosely=loosely,
    )


def _first(pairs: Iterator[tuple[str, Any, Any]], *, loosely: bool) -> tuple[str, str, str] | None:
    found = (difference(a, b, loosely=loosely, where=where) for where, a, b in pairs)
    return next((one for one in found if one is not None), None)


def _equal(sealed: Any, found: Any, *, loosely: bool) -> bool:
    # 1 and 1.0 are one number in JSON, 1 and true are not
    if isinstance(sealed, bool) or isinstance(found, bool):
        return sealed is found
    if loosely and isinstance(sealed, int | float) and isinstance(found, int | float):
        return math.isclose(sealed, found, rel_tol=TOLERANCE)
    return bool(sealed == found)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:79] + "…"  # noqa: PLR2004 - a line of a terminal
