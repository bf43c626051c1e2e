"""What is taken out of a bundle for somebody: its statement, its papers, the proof of one trial."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .bundle import Reader, reading
from .folder import RunFolder
from .merkle import leaf_hash, prove
from .taken import TAKEN, seen, told
from .verify import ANNEX, MANIFEST, RECORD, SEAL, dumps

_TRIAL = re.compile(r"([0-9a-f]{8})-(\d{1,9})-(\d{1,9})")
REPORTS = tuple(
    f"{stem}.{ending}"
    for stem in ("report", "summary")
    for ending in ("json", "csv", "*.html", "*.md", "*.pdf")
)
"""What the reports of a run are called; nothing else that lies in its folder is sealed as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """What people read of an audit, as bytes: record, annex, reports by their names."""

    record: bytes
    annex: list[Mapping[str, Any]]
    reports: Mapping[str, bytes]
    taken: Mapping[str, Any]
    """How the evidence was taken, as far as a report says it."""


def papers(path: Path) -> Papers:
    """Return the papers of a run folder, or of a bundle that was verified."""
    if path.is_dir():
        folder = RunFolder.existing(path)
        found = [one for pattern in REPORTS for one in sorted(path.glob(pattern))]
        return Papers(
            record=folder.record.read_bytes(),
            annex=folder.read_annex(),
            reports={one.name: one.read_bytes() for one in found},
            taken=seen(folder),
        )
    with reading(path) as bundle:
        lines = bundle.read(ANNEX).splitlines() if ANNEX in bundle.names else []
        return Papers(
            record=bundle.read(RECORD),
            annex=[json.loads(line) for line in lines if line.strip()],
            reports={
                name: bundle.read(name) for name in bundle.names if name.startswith("reports/")
            },
            taken=told(bundle.read(TAKEN)) if TAKEN in bundle.names else {},
        )


def statement_of(path: Path) -> bytes:
    """Return what a bundle's seal signs: what a time-stamping authority is asked about."""
    with reading(path) as bundle:
        return base64.b64decode(json.loads(bundle.read(SEAL))["payload"])


def prove_trial(path: Path, name: str) -> dict[str, Any]:
    """Return the proof that the last answered call of a trial is under the root of a bundle.

    Parameters
    ----------
    path : Path
        A bundle that was verified.
    name : str
        The trial, ``<plan8>-<wave>-<position>``.

    Returns
    -------
    dict
        ``leaf`` (the call as it is sealed), ``proof`` (``index``, ``size``, ``path``: at most 1 KB)
        and ``root``.

    Raises
    ------
    UsageError
        If the bundle has no such trial.
    """
    with reading(path) as bundle:
        place, leaf = _call_of(bundle, name)
        root = json.loads(bundle.read(MANIFEST))["root"]
    with reading(path) as bundle:
        files = json.loads(bundle.read(MANIFEST))["files"]
        leaves = chain(bundle.lines(), map(dumps, files))
        proof = prove(map(leaf_hash, leaves), place)
    return {"leaf": leaf.decode(), "proof": json.loads(proof.to_bytes()), "root": root}


def _call_of(bundle: Reader, name: str) -> tuple[int, bytes]:
    asked = _TRIAL.fullmatch(name)
    plan = json.loads(bundle.read(RECORD))["content"]["plan_sha256"]
    found: tuple[int, bytes] | None = None
    if asked and plan.startswith(asked[1]):
        wave, position = int(asked[2]), int(asked[3])
        for place, line in enumerate(bundle.lines()):
            # the number of the wave ends a line: most are passed over without being read
            if line.endswith(b'"wave":%d}' % wave):
                call = json.loads(line)
                if call["answer"] and call["first"] <= position < call["first"] + call["count"]:
                    found = place, line
    if found is None:
        raise UsageError("evidence.no_trial", name=name)
    return found
