"""The one loop that asks, and what stands around it: prepare a folder, drive, write the record."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EvidenceError, PausedError, TargetError
from ..probes.design import FAILED, REASONS, Codes, Observed
from ..probes.protocol import Question, Study
from .ask import ask
from .asking import AWAY
from .authorise import rate
from .checkout import standing
from .compose import content, record
from .conduct import Conduct, Rules, Turn
from .decide import Family
from .estimates import fresh_blocks
from .explain import followups, mixed
from .field.ahead import ahead
from .folder import RunFolder
from .gate import accounts_of, orders_left, pause_for, permit, spare
from .journal import Journal
from .limits import Pace
from .lock import Lock, identities, make_lock, same_coins, versions, wave_rng
from .outage import Vigil, watching
from .plan import Plan
from .planfield import FieldTarget
from .planfile import LoadedPlan, load
from .planparts import LARGEST
from .questions import commitments_of, hypotheses_of, questions_of
from .record import Record, Run
from .resolve import resolve
from .target import address, open_target, pace_logins
from .target.protocol import Target

LISTEN = 0.1
"""Seconds between two looks for a request to stop."""

Watch = Callable[[Conduct, Turn | None, int], None]
"""Called while an audit goes on: its state, the wave being asked, trials of it on file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A plan, resolved and locked: everything that the loop needs but the vendor.

    `asked` is the study with the mixtures that explanations ask for: requests are rendered from it.
    """

    loaded: LoadedPlan
    study: Study
    questions: dict[str, Question]
    lock: Lock
    asked: Study = field(init=False)

    def __post_init__(self) -> None:
        """Make the mixtures once: what is rendered from is told by its identity."""
        object.__setattr__(self, "asked", mixed(self.study))

    model: Any = None
    """A model of this process, asked in place of what a python target names."""

    @property
    def plan(self) -> Plan:
        """The plan as data."""
        return self.loaded.plan

    def conduct(self) -> Conduct:
        """Return the audit before its first wave."""
        plan = self.plan
        field = isinstance(plan.target, FieldTarget)
        return Conduct(
            study=self.study,
            questions=self.questions,
            rules=Rules(
                family=Family(
                    hypotheses=len(self.lock.hypotheses),
                    alpha=plan.decide.alpha,
                    alpha_clear=plan.decide.alpha_clear,
                ),
                queries=plan.budget.queries,
                wave_limit=self.lock.wave_limit,
            ),
            rng=lambda number: wave_rng(self.lock, number),
            followups=None if field else _followups(plan),
            ahead=ahead if field else None,
        )

    def target(self, *, offline: bool = False, request: Mapping[str, Any] | None = None) -> Target:
        """Return the adapter to what is audited; `offline` only reads what is on file.

        With `request` it sends that instead of what the plan says.
        """
        spec, asked = self.plan.identities, self.plan.target
        return open_target(
            asked if request is None else asked.model_copy(update={"request": request}),
            self.study,
            identities=partial(_fresh, self.lock, spec.format),
            key=self.lock.key,
            offline=offline,
            model=self.model,
            accounts=spec.secrets,
            file=self.loaded.digest_inputs.get("target"),
        )


def _followups(plan: Plan) -> Callable[[Conduct], Mapping[str, Question]]:
    return lambda conduct: {
        **fresh_blocks(conduct, plan.decide.estimate_blocks),
        **followups(conduct),
    }


def _fresh(
    lock: Lock, format_: str, wave: int, sessions: Codes, restart: int = 0, /
) -> Sequence[str]:
    return identities(lock, wave, sessions, format_, restart=restart)


def prepare(loaded: LoadedPlan) -> Audit:
    """Resolve and lock a plan. Sends nothing, writes nothing."""
    study = resolve(loaded)
    questions = questions_of(loaded.plan, study)
    hypotheses, coins = hypotheses_of(questions, study), commitments_of(questions, study)
    lock = make_lock(loaded, study, hypotheses, coins)
    return Audit(loaded=loaded, study=study, questions=questions, lock=lock)


async def drive(
    audit: Audit,
    conduct: Conduct,
    target: Target,
    journal: Journal,
    *,
    watch: Watch | None = None,
    stop: asyncio.Event | None = None,
    pilot_only: bool = False,
) -> None:
    """Ask until nothing is open. What is on file is not asked again.

    A wave is stored before its first call, its answers before anybody looks at them, and the next
    wave is designed from complete waves only: so a run that was killed goes on as if it had not.
    """
    ceiling = attempts_ceiling(audit.plan)
    pace = Pace.of(audit.plan.target.limits, ceiling=rate(audit.plan))
    jitter = np.random.default_rng(audit.plan.seed)
    stop = stop or asyncio.Event()
    study = audit.asked
    pace_logins(target, pace.turn)
    watched = watching(target, stop, concurrency=pace.concurrency)
    while (turn := conduct.next()) is not None:
        if pilot_only and turn.number > 0:
            return
        sent = journal.attempts()
        pause_for(turn, journal)
        permit(audit.plan, journal, turn, datetime.now(UTC))
        journal.open_wave(turn.number, turn.question, turn.wave)
        try:
            answers = await ask(
                watched,
                study,
                journal,
                turn.number,
                turn.wave,
                limits=pace,
                attempts_left=ceiling - journal.attempts(),
                rng=jitter,
                stop=stop,
                progress=_watched(watch, conduct, turn),
                orders_left=orders_left(audit.plan, target, journal, conduct.waves),
                accounts=accounts_of(audit.plan, journal, [*conduct.waves, turn]),
            )
        except PausedError as pause:
            if watched.gone or pause.message_id == AWAY:
                raise silent(watched, begun=turn.number > 0) from None
            raise
        conduct.take(turn, answers)
        if turn.number == 0:
            require_answers(conduct.observed[turn.question], watched)
        if ceiling <= journal.attempts():
            conduct.close()
        if watch:
            watch(conduct, None, 0)
        if journal.attempts() > sent:
            spare(audit.plan, journal, turn.number)


def _watched(watch: Watch | None, conduct: Conduct, turn: Turn) -> Callable[[int], None] | None:
    if watch is None:
        return None
    settled = 0

    def more(trials: int) -> None:
        nonlocal settled
        settled += trials
        watch(conduct, turn, settled)

    return more


def attempts_ceiling(plan: Plan) -> int:
    """Return the most trials that may be sent, retries included."""
    if isinstance(plan.target, FieldTarget):
        return LARGEST  # a corrected row costs the vendor nothing
    return plan.budget.attempts or plan.budget.queries * 3 // 2


def require_answers(answers: Observed, watched: Vigil) -> None:
    """Refuse to go on where the pilot brought nothing but failures."""
    if len(answers) and np.all(answers.kind == FAILED):
        # a pilot that was on file already was not watched
        found = watched.reasons or Counter(REASONS[code] for code in answers.reason.tolist())
        raise TargetError("errors.target_silent", reasons=_counted(found))


def silent(watched: Vigil, *, begun: bool) -> TargetError:
    """Return the error for a target that gave nothing usable, at once or after it had `begun`."""
    told = "errors.target_gone" if begun or watched.answered else "errors.target_silent"
    return TargetError(told, reasons=_counted(watched.reasons))


def _counted(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} × {n}" for reason, n in sorted(reasons.items()))


def begin(audit: Audit, path: Path) -> RunFolder:
    """Return the folder of a run of this plan: a new one, or the one that was begun.

    Raises
    ------
    EvidenceError
        If the run in the folder was locked from another plan.
    """
    folder = RunFolder(path)
    if not folder.lock.is_file():
        folder.create(audit.loaded.text, audit.loaded.digest_inputs)
        # the lock comes last: killed before it, a folder is begun again; after it, it is resumed
        opened = Journal.open if folder.journal.is_file() else Journal.create
        with opened(folder.journal) as journal:
            if journal.waves():
                raise EvidenceError("errors.no_lock", path=str(path))
            folder.fix(audit.lock.to_bytes())
    _same_lock(audit, folder)
    return folder


def reopen(path: Path) -> tuple[Audit, RunFolder]:
    """Return the audit of a run folder, as it was locked."""
    folder = RunFolder.existing(path)
    audit = prepare(load(folder.plan))
    _same_lock(audit, folder)
    return replace(audit, lock=Lock.from_bytes(folder.lock.read_bytes())), folder


def _same_lock(audit: Audit, folder: RunFolder) -> None:
    lock = Lock.from_bytes(folder.lock.read_bytes())
    if lock.plan_sha256 != audit.lock.plan_sha256:
        raise EvidenceError("errors.other_lock", path=str(folder.path))
    same_coins(audit.lock, lock)


def run(
    audit: Audit,
    folder: RunFolder,
    *,
    watch: Watch | None = None,
    pilot_only: bool = False,
    wait: bool = False,
) -> Conduct:
    """Drive an audit in its folder to the end, and write the record.

    With `wait` it sleeps where nothing may be sent until a certain time, and goes on by itself.

    The file ``stop`` in the folder asks it to stop: what is in flight is taken in first.

    Raises
    ------
    AuthorisationError
        If the permission does not cover it.
    TargetError
        If nothing usable comes back.
    PausedError
        If it was stopped or the disk is full; ``resume`` goes on.
    """
    while True:
        try:
            return _once(audit, folder, watch=watch, pilot_only=pilot_only)
        except PausedError as pause:
            until = pause.values.get("until")
            if not wait or until is None or not _slept(datetime.fromisoformat(until), folder.stop):
                raise


def _slept(until: datetime, stop: Path) -> bool:
    """Wait for a moment, and return whether it came before somebody asked to stop."""
    with suppress(OSError):
        stop.unlink(missing_ok=True)
    while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
        if stop.exists():
            return False
        # short, for a clock may be set and a lid be shut meanwhile
        time.sleep(min(left, LISTEN))
    return True


def _once(audit: Audit, folder: RunFolder, *, watch: Watch | None, pilot_only: bool) -> Conduct:
    started = datetime.now(UTC)
    conduct = audit.conduct()

    async def main() -> None:
        target = audit.target()
        try:
            with Journal.open(folder.journal) as journal, _stoppable(folder.stop) as stop:
                await drive(
                    audit,
                    conduct,
                    target,
                    journal,
                    watch=watch,
                    stop=stop,
                    pilot_only=pilot_only,
                )
                if not pilot_only:
                    folder.write_record(compose(audit, conduct, target, journal, started))
        finally:
            await target.close()

    try:
        in_loop(main())
    except TargetError:
        if nothing_came(conduct):
            folder.set_journal_aside()
        raise
    return conduct


def nothing_came(conduct: Conduct) -> bool:
    """Whether the pilot ended and brought failures only: nothing on file is worth going on from."""
    pilot = [observed_ for observed_ in conduct.observed.values() if len(observed_)]
    return bool(pilot) and all(np.all(part.kind == FAILED) for part in pilot)


@contextmanager
def _stoppable(request: Path) -> Iterator[asyncio.Event]:
    """Give an event that the file `request` sets; one from an earlier run does not count."""
    stop = asyncio.Event()
    with suppress(OSError):
        request.unlink(missing_ok=True)
    listening = asyncio.get_running_loop().create_task(_stop_requested(request, stop))
    try:
        yield stop
    finally:
        listening.cancel()
        with suppress(OSError):
            request.unlink(missing_ok=True)


async def _stop_requested(request: Path, stop: asyncio.Event) -> None:
    # one stat() each tenth of a second: cheaper than a thread, and it may take its microseconds
    while not request.exists():  # noqa: ASYNC110, ASYNC240 - another program makes the file
        await asyncio.sleep(LISTEN)
    stop.set()


def compose(
    audit: Audit, conduct: Conduct, target: Target, journal: Journal, started: datetime
) -> Record:
    """Return the record of a finished audit."""
    where, code = address(audit.plan.target), standing()
    return record(
        content(audit.plan, audit.lock, conduct, address=where, batch=target.batch),
        Run(
            started=started.isoformat(timespec="seconds"),
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions(),
            commit=code.commit,
            dirty=code.dirty,
            attempts=journal.attempts(),
            load=_load(audit.plan, journal),
        ),
    )


def _load(plan: Plan, journal: Journal) -> dict[str, float]:
    """Return how hard the target was pressed, and how it bore that."""
    asked = rate(plan)
    return {**({} if asked is None else {"requests_per_second_asked": asked}), **journal.load()}


def in_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run in an event loop of its own, the fast one where it exists."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(work)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
