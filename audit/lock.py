"""The lock: what a run is a pure function of, hashed before the first call.

It holds the resolved plan, the hashes of all that the plan names, the hypotheses, the seed and the
versions. It holds no time, no path and no secret, so two auditors with the same plan have the same
lock. All randomness of an audit, and the ids of its fresh accounts, are keyed by it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import numpy as np
import rfc8785
from numpy.typing import NDArray

from ..datasets.personas import Table
from ..errors import EvidenceError
from ..probes.protocol import Hypothesis, Study
from .authorise import rate
from .plan import Plan
from .planfile import LoadedPlan
from .planrequest import ALPHABETS, TOKEN

GROUP = 1024
"""Sessions whose ids come from one stretch of the key stream."""

NO_LIMIT = 1 << 30
"""Most trials in a wave where nothing limits the rate."""

_UNIT = np.dtype("<u2")


@dataclass(frozen=True, kw_only=True)
class Lock:
    """What a run is a pure function of.

    Parameters
    ----------
    plan : mapping
        The resolved plan as plain data, without ``report`` and the target's ``limits``; the names
        of files are their hashes.
    files : mapping of str to str
        What the plan names (``"items"``, ``"population"``, …) → sha256 of its bytes, or of the
        table where it is not a file.
    hypotheses : tuple of Hypothesis
    seed : int
    wave_limit : int
        Most trials in one wave: what the rate limit sends in a minute. The only trace of the limits.
    versions : mapping of str to str
        Under the same versions the record is the same, byte for byte.
    commitments : mapping of str to str
        Question → sha256 of the coins that it tossed before anything was planted.
    """

    plan: Mapping[str, Any]
    files: Mapping[str, str]
    hypotheses: tuple[Hypothesis, ...]
    seed: int
    wave_limit: int
    versions: Mapping[str, str]
    commitments: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def k(self) -> int:
        """K: how many primary hypotheses share each level."""
        return sum(hypothesis.primary for hypothesis in self.hypotheses)

    @cached_property
    def plan_sha256(self) -> str:
        """The plan's own hash: with its files, without what Evenhand made of it."""
        return hashlib.sha256(rfc8785.dumps({"plan": self.plan, "files": self.files})).hexdigest()

    @cached_property
    def sha256(self) -> str:
        """The hash under which a run is sealed."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    @cached_property
    def key(self) -> bytes:
        """32 bytes that key everything that must look random and be found again."""
        return hashlib.sha256(b"evenhand key\n" + self.to_bytes()).digest()

    def to_bytes(self) -> bytes:
        """Return the lock as canonical JSON (RFC 8785)."""
        committed = {"commitments": self.commitments} if self.commitments else {}
        return rfc8785.dumps(
            {
                **committed,
                "evenhand": 1,
                "plan": self.plan,
                "files": self.files,
                "hypotheses": [_as_dict(hypothesis) for hypothesis in self.hypotheses],
                "k": self.k,
                "seed": self.seed,
                "versions": self.versions,
                "wave_limit": self.wave_limit,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what :meth:`to_bytes` wrote.

        Raises
        ------
        EvidenceError
            If it is anything else.
        """
        try:
            found = json.loads(data)
            lock = cls(
                plan=found["plan"],
                files=found["files"],
                hypotheses=tuple(Hypothesis(**one) for one in found["hypotheses"]),
                seed=found["seed"],
                wave_limit=found["wave_limit"],
                versions=found["versions"],
                commitments=found.get("commitments", {}),
            )
            same = lock.to_bytes() == data
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            same = False
        if not same:
            raise EvidenceError("plan.not_a_lock")
        return lock


def make_lock(
    loaded: LoadedPlan,
    study: Study,
    hypotheses: Sequence[Hypothesis],
    commitments: Mapping[str, str] | None = None,
) -> Lock:
    """Return the lock of a plan.

    Parameters
    ----------
    loaded : LoadedPlan
    study : Study
        What :func:`evenhand.audit.resolve.resolve` made of it.
    hypotheses : sequence of Hypothesis
        Everything that will be found out, in the order of the plan.
    commitments : mapping of str to str, optional
        Question → sha256 of the coins that it tossed.
    """
    files = {name: _of_file(path) for name, path in sorted(loaded.digest_inputs.items())}
    plan = loaded.plan.model_dump(mode="json", by_alias=True, exclude={"report"})
    plan["target"].pop("limits", None)
    if plan["personas"]["sample"] == "rows":
        # the rows of old: a plan that asks for nothing new keeps its hash
        del plan["personas"]["sample"]
    if plan["personas"]["population"] is not None and "population" not in files:
        files["population"] = _of_table(study.personas, study.persona_weights)
    elif "population" in files:
        plan["personas"]["population"] = f"sha256:{files['population']}"
    if "items" in files:
        plan["items"] = f"sha256:{files['items']}"
    for part in ("identities", "authorisation", "target"):
        if part in files:
            plan[part]["file"] = f"sha256:{files[part]}"
    if "schema" in files:
        plan["target"]["schema"] = f"sha256:{files['schema']}"
    return Lock(
        plan=plan,
        files=files,
        hypotheses=tuple(hypotheses),
        seed=loaded.plan.seed,
        wave_limit=_wave_limit(loaded.plan),
        versions=versions(),
        commitments=commitments or {},
    )


def same_coins(made: Lock, locked: Lock) -> None:
    """Refuse a run whose coins are not those that its lock commits to.

    Raises
    ------
    EvidenceError
        If a hash differs, or one is missing.
    """
    theirs, ours = dict(locked.commitments), dict(made.commitments)
    for name in sorted({*theirs, *ours}):
        if theirs.get(name) != ours.get(name):
            raise EvidenceError("errors.other_coins", name=name)


def _wave_limit(plan: Plan) -> int:
    """Return the most trials of a wave: what the rate limit sends in a minute, and a day allows."""
    per_second, permission = rate(plan), plan.authorisation
    limits = [NO_LIMIT if per_second is None else max(1, int(60 * per_second))]
    limits += [
        most for most in (plan.schedule.per_day, permission and permission.max.per_day) if most
    ]
    return min(NO_LIMIT, *limits)


def versions() -> dict[str, str]:
    """Return the versions that numbers may depend on."""
    found = {name: version(name) for name in ("evenhand", "numpy", "scipy")}
    return {**found, "python": f"{sys.version_info.major}.{sys.version_info.minor}"}


def wave_rng(lock: Lock, number: int) -> np.random.Generator:
    """Return the generator of wave `number`: its own, and always the same.

    Parameters
    ----------
    lock : Lock
    number : int
        Global number of the wave; negative ones are for what is drawn beside the waves.
    """
    seed = hashlib.sha256(lock.key + b"wave" + number.to_bytes(8, "big", signed=True)).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))


def identity(lock: Lock, wave: int, session: int, restart: int, format_: str) -> str:
    """Return the id of one fresh account; see :func:`identities`."""
    return identities(lock, wave, np.array([session]), format_, restart=restart)[0]


def identities(
    lock: Lock,
    wave: int,
    sessions: NDArray[np.integer[Any]],
    format_: str,
    *,
    restart: int = 0,
) -> list[str]:
    """Return the ids of fresh accounts, in the vendor's own format.

    Each is a keyed hash of its place: nothing in it tells an arm, an order or another account.

    Parameters
    ----------
    lock : Lock
    wave : int
        Global number of the wave.
    sessions : (n,) int array
        Rows of the wave's session table.
    format_ : str
        ``{hex:N}``, ``{digits:N}`` and ``{letters:N}`` are N signs each; the rest stands as it is.
    restart : int
        How many times the session was begun again, under another identity each time.
    """
    width, alphabets, text = _compiled(format_)
    rows = np.asarray(sessions, dtype=np.int64)
    drawn = np.empty((len(rows), width), dtype=_UNIT)
    for group in np.unique(rows // GROUP).tolist():
        inside = rows // GROUP == group
        drawn[inside] = _stream(lock.key, (wave, restart, group), width)[rows[inside] % GROUP]
    signs = np.broadcast_to(text, (len(rows), len(text))).copy()
    for column, (start, alphabet) in enumerate(alphabets):
        # 65,536 is no multiple of 10 or 26: the bias is below one in six thousand
        signs[:, start] = alphabet[drawn[:, column] % len(alphabet)]
    ids: list[str] = signs.view(f"<U{len(text)}").ravel().tolist()
    return ids


def _compiled(
    format_: str,
) -> tuple[int, list[tuple[int, NDArray[np.uint32]]], NDArray[np.uint32]]:
    """Return how many signs are drawn, where each stands and from what, and the fixed text."""
    text: list[int] = []
    alphabets: list[tuple[int, NDArray[np.uint32]]] = []
    last = 0
    for token in TOKEN.finditer(format_):
        text += map(ord, format_[last : token.start()])
        alphabet = np.array([ord(sign) for sign in ALPHABETS[token[1]]], dtype="<u4")
        for _ in range(int(token[2])):
            alphabets.append((len(text), alphabet))
            text.append(0)
        last = token.end()
    text += map(ord, format_[last:])
    return len(alphabets), alphabets, np.array(text, dtype="<u4")


def _stream(key: bytes, place: tuple[int, ...], width: int) -> NDArray[np.uint16]:
    head = key + b"identity" + b"".join(part.to_bytes(8, "big") for part in place)
    data = hashlib.shake_128(head).digest(GROUP * width * _UNIT.itemsize)
    return np.frombuffer(data, dtype=_UNIT).reshape(GROUP, width)


def _as_dict(hypothesis: Hypothesis) -> dict[str, Any]:
    names = ("id", "probe", "outcome", "treatment", "level", "primary")
    return {name: getattr(hypothesis, name) for name in names}


def _of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _of_table(table: Table, weights: NDArray[np.float64]) -> str:
    """Return the hash of what a population is, where it is not a file."""
    columns = {name: column.tolist() for name, column in table.columns.items()}
    data = {"columns": columns, "weights": weights.tolist()}
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()
