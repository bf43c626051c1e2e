"""One trial as it is on file: what was asked of whom, and the vendor's bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..probes.design import REASONS, Wave
from .folder import RunFolder
from .journal import Call, Journal, Opened
from .run import Audit, reopen
from .sessions import Sessions, request_of
from .tally import read
from .target.protocol import Reply, Request, Target

_KINDS = ("answered", "refused", "failed")
_ARMS = ("reference", "twin", "treated")
"""What an arm is called, as in the examples of a record; from the third on it is treated."""
_ID = re.compile(r"([0-9a-f]{8})-(\d+)-(\d+)")
BODY = 4000
"""Most characters of an answer that are shown."""


def trial(path: Path, name: str) -> dict[str, Any]:
    """Return a trial of a run by its id, ``<plan8>-<wave>-<position>``.

    The request is rendered again from the lock and the wave; the answers are as they arrived. A
    pilot that nobody answered is looked for in the journal that was set aside for it.

    Raises
    ------
    UsageError
        If the run holds no such trial.
    """
    audit, folder = reopen(path)
    found = _ID.fullmatch(name)
    if not found or found[1] != audit.lock.plan_sha256[:8]:
        raise UsageError("cli.no_such_finding", name=name)
    number, position = int(found[2]), int(found[3])
    target = audit.target(offline=True)
    with Journal.look(_holding(folder, number)) as journal:
        waves = {wave.number: wave for wave in journal.waves()}
        if number not in waves or position >= len(waves[number].wave):
            raise UsageError("cli.no_such_finding", name=name)
        opened = waves[number]
        asked = list(_asked(audit, target, journal, opened, position))
    request = (
        asked[-1][0]
        if asked and not opened.wave.single
        else _alone(audit, target, opened, position)
    )
    calls = [(call, reply) for _, call, reply in asked if reply is not None]
    return {
        "id": name,
        "question": opened.question,
        "block": int(opened.wave.trial_column("block")[position]),
        "arm": _ARMS[min(int(opened.wave.trial_column("arm")[position]), len(_ARMS) - 1)],
        "request": {"route": request.route, "body": request.body[:BODY].decode("utf-8", "replace")},
        "answers": [
            {
                "attempt": call.attempt,
                "status": reply.status,
                "error": reply.error,
                "seconds": reply.seconds,
                "at": reply.at,
                "body": reply.body[:BODY].decode("utf-8", "replace"),
            }
            for call, reply in calls
        ],
        "read": _read(target, opened.wave, *calls[-1], position) if calls else None,
    }


def _holding(folder: RunFolder, number: int) -> Path:
    """Return the newest journal that holds a wave; the current one where none does."""
    for path in (folder.journal, *reversed(folder.set_aside())):
        with Journal.look(path) as journal:
            if any(wave.number == number for wave in journal.waves()):
                return path
    return folder.journal


def _asked(
    audit: Audit, target: Target, journal: Journal, opened: Opened, position: int
) -> Iterator[tuple[Request, Call, Reply | None]]:
    """Yield what was sent for a trial, each time, with what came back."""
    wave = opened.wave
    sessions = None if wave.single else Sessions(wave)
    for call, reply in journal.calls(opened.number):
        mine = call.first <= position < call.first + call.count
        if sessions is None and not mine:
            continue
        request = request_of(target, audit.asked, wave, call, sessions)
        if sessions is not None and reply is not None and call.attempt:
            said = read(target, wave, call, reply)
            sessions.heard(call.first, said, replied=bool(reply.status))
        if mine:
            yield request, call, reply


def _alone(audit: Audit, target: Target, opened: Opened, position: int) -> Request:
    rows = slice(position, position + 1)
    if opened.wave.single:
        return target.render(audit.asked, opened.wave, opened.number, rows)
    return Request(wave=opened.number, first=position, count=1, body=b"", route="")


def _read(target: Target, wave: Wave, call: Call, reply: Reply, position: int) -> dict[str, Any]:
    """Return what the last answer says of one trial; the wave itself may still be open."""
    said, row = read(target, wave, call, reply), position - call.first
    values = {name: _plain(column[row]) for name, column in said.values.items()}
    return {"kind": _KINDS[said.kind[row]], "reason": REASONS[said.reason[row]] or None, **values}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
