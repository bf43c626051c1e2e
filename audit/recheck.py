"""The plan of a re-check: the same hypotheses and limits under a new seed, sized to show absence."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..messages import both
from .check import check
from .folder import disk, write
from .pilot import pilot_of
from .plan import Plan, ProbeEntry
from .planfile import LoadedPlan, parse, to_yaml
from .questions import hypotheses_of, questions_of
from .replay import opened, recomputed
from .resolve import resolve

SPARE = 3
"""Times the prediction for a fair vendor, a median: a budget is a ceiling, asking stops when it is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """A re-check plan as the text of a file, and what it comes to.

    Parameters
    ----------
    text : str
    seed : int
    hypotheses : int
    queries : int
        The budget: a ceiling, three times what a fair vendor of this noise is predicted to take.
    """

    text: str
    seed: int
    hypotheses: int
    queries: int


def recheck(
    run: Path, where: Path, *, seed: int, findings: Sequence[str] = (), trust: bool = False
) -> Recheck:
    """Make the re-check plan of a finished run.

    Parameters
    ----------
    run : Path
        The run folder, whose copies of the files that the plan names are used again; or a bundle,
        whose copies are written beside the plan.
    where : Path
        Where the plan will stand: file names in it are relative to its folder.
    seed : int
        The new seed. A vendor that could foresee it could foresee who asks.
    findings : sequence of str
        Numbers of the findings to check again, all levels of their attributes; default: all.
    trust : bool
        As in :func:`evenhand.audit.replay.opened`.

    Raises
    ------
    UsageError
        If the run has no such finding.
    """
    with opened(run, trust=trust) as case:
        loaded = case.audit.loaded
        files = dict(loaded.digest_inputs)
        if run.is_file():
            files = _copied(files, where.with_name(f"{where.stem}-inputs"))
        treated = _treated(case.sealed["findings"], findings)
        _, conduct = recomputed(case)
    noise = pilot_of(conduct).noise
    data = _again(loaded.plan, treated, seed)
    data = _beside(data, files, where)
    draft = parse(to_yaml(data), where)
    queries = _queries(draft, noise) or data.budget.queries
    sized = data.model_copy(
        update={"budget": data.budget.model_copy(update={"queries": queries, "attempts": None})}
    )
    return Recheck(
        text=to_yaml(sized),
        seed=seed,
        hypotheses=_count(draft),
        queries=queries,
    )


def _treated(found: Sequence[Mapping[str, str]], wanted: Sequence[str]) -> dict[str, list[str]]:
    """Return probe → attributes of the findings that are wanted."""
    strange = sorted(set(wanted) - {one["id"] for one in found})
    if strange or not found:
        raise UsageError("evidence.recheck_nothing", names=", ".join(strange) or "–")
    chosen: dict[str, list[str]] = {}
    for one in found:
        if not wanted or one["id"] in wanted:
            names = chosen.setdefault(one["probe"], [])
            names.extend({one["treatment"]} - set(names))
    return chosen


def _again(plan: Plan, treated: Mapping[str, list[str]], seed: int) -> Plan:
    """Return the plan with a new seed and only the probes and attributes that are checked again."""
    probes = [
        entry.model_copy(update={"treat": _kept(entry, treated[entry.use])})
        for entry in plan.probes
        if entry.use in treated
    ]
    more = both("evidence.recheck_title")
    title = plan.audit.title.model_copy(
        update={lang: getattr(plan.audit.title, lang) + more[lang] for lang in more}
    )
    about = plan.audit.model_copy(update={"title": title})
    return plan.model_copy(update={"seed": seed, "probes": tuple(probes), "audit": about})


def _kept(entry: ProbeEntry, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the attributes of an entry that are checked again, and those that its settings name.

    What is about no attribute of the entry alone (a path, two changed together) needs them all.
    """
    if not set(wanted) <= set(entry.treat):
        return entry.treat
    kept = {*wanted, *_words(entry.options)}
    return tuple(name for name in entry.treat if name in kept)


def _words(value: Any) -> Iterator[str]:
    """Yield every text in a setting."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (word for one in value.values() for word in _words(one))
    elif isinstance(value, list | tuple):
        yield from (word for one in value for word in _words(one))


def _beside(plan: Plan, files: Mapping[str, Path], where: Path) -> Plan:
    """Return the plan with the files that it names as they stand from the folder of `where`."""
    folder = where.absolute().parent
    named = {
        name: Path(os.path.relpath(path.absolute(), folder)).as_posix()
        for name, path in files.items()
    }
    changes: dict[str, object] = {}
    if "items" in named:
        changes["items"] = named["items"]
    if "population" in named:
        changes["personas"] = plan.personas.model_copy(update={"population": named["population"]})
    if "identities" in named:
        changes["identities"] = plan.identities.model_copy(update={"file": named["identities"]})
    if "authorisation" in named and plan.authorisation is not None:
        file = {"file": named["authorisation"]}
        changes["authorisation"] = plan.authorisation.model_copy(update=file)
    return plan.model_copy(update=changes)


def _copied(files: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    copies = {name: folder / path.name for name, path in files.items()}
    with disk(folder):
        for name, path in files.items():
            folder.mkdir(parents=True, exist_ok=True)
            write(copies[name], path.read_bytes())
    return copies


def _count(draft: LoadedPlan) -> int:
    study = resolve(draft)
    return len(hypotheses_of(questions_of(draft.plan, study), study))


def _queries(draft: LoadedPlan, noise: float | None) -> int | None:
    """Return what showing absence takes at the noise that the pilot saw, with something to spare."""
    study = resolve(draft)
    checked = check(draft, study, hypotheses_of(questions_of(draft.plan, study), study))
    seen = noise or 0.0
    at = next((one for one in checked.outlooks if one.noise >= seen), checked.outlooks[-1])
    return None if at.queries is None else math.ceil(SPARE * at.queries)
