"""One trial as it is on file: what was asked of whom, and the vendor's bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..probes.design import REASONS
from .journal import Call, Journal
from .run import reopen
from .target.protocol import Reply, Request, Target

_KINDS = ("answered", "refused", "failed")
_ID = re.compile(r"([0-9a-f]{8})-(\d+)-(\d+)")
BODY = 4000
"""Most characters of an answer that are shown."""


def trial(path: Path, name: str) -> dict[str, Any]:
    """Return a trial of a run by its id, ``<plan8>-<wave>-<position>``.

    The request is rendered again from the lock and the wave; the answers are as they arrived.

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
    with Journal.look(folder.journal) as journal:
        waves = {wave.number: wave for wave in journal.waves()}
        if number not in waves or position >= len(waves[number].wave):
            raise UsageError("cli.no_such_finding", name=name)
        opened = waves[number]
        request = target.render(audit.asked, opened.wave, number, slice(position, position + 1))
        calls = [
            (call, reply)
            for call, reply in journal.replies(number)
            if call.first <= position < call.first + call.count
        ]
    return {
        "id": name,
        "question": opened.question,
        "block": int(opened.wave.trial_column("block")[position]),
        "arm": int(opened.wave.trial_column("arm")[position]),
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
        "read": _read(target, *calls[-1], position) if calls else None,
    }


def _read(target: Target, call: Call, reply: Reply, position: int) -> dict[str, Any]:
    """Return what the last answer says of one trial; the wave itself may still be open."""
    if reply.error == "ceiling":
        return {"kind": "failed", "reason": reply.error}
    request = Request(wave=call.wave, first=call.first, count=call.count, body=b"", route="")
    said, row = target.read(request, reply), position - call.first
    values = {name: _plain(column[row]) for name, column in said.values.items()}
    return {"kind": _KINDS[said.kind[row]], "reason": REASONS[said.reason[row]] or None, **values}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
