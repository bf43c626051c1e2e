"""A process in which a model of a stranger lives: limited, cut off, and gone when its parent is.

Run as ``python -I -m evenhand.audit.target.worker``. Frames go in at standard input and out at what
was standard output: eight bytes of length, then that many bytes, never a pickle. The first frame
says what to load and within which limits, the second is the model's file; each later one is a table
(:mod:`evenhand.audit.target.columns`). An answer begins with :data:`GOOD` or :data:`BAD`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import math
import os
import resource
from typing import IO, Any

from .columns import pack, unpack
from .models import Loaded, complaint, load

GOOD, BAD = b"+", b"-"
LONGEST = 1 << 32
"""Bytes of a frame beyond which nobody meant one."""

_NEW_USER, _NEW_PROCESSES, _NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
_DIE_WITH_PARENT, _KILL = 1, 9


def write_frame(stream: IO[bytes], data: bytes) -> None:
    """Write one frame."""
    stream.write(len(data).to_bytes(8, "little") + data)
    stream.flush()


def read_frame(stream: IO[bytes]) -> bytes | None:
    r"""Read one frame; None where the stream has ended.

    Examples
    --------
    >>> import io
    >>> pipe = io.BytesIO()
    >>> write_frame(pipe, b"table")
    >>> _ = pipe.seek(0)
    >>> read_frame(pipe), read_frame(pipe)
    (b'table', None)
    """
    head = stream.read(8)
    size = int.from_bytes(head, "little")
    if len(head) < 8 or size > LONGEST:  # noqa: PLR2004  as it is written
        return None
    data = stream.read(size)
    return data if len(data) == size else None


def cut_off() -> bool:
    """Leave the network and the sight of other processes, where the platform allows it.

    Returns whether it did. What goes on from here is then a child, the first process of a world of
    its own: it knows the number of no other.
    """
    try:
        left = ctypes.CDLL(None).unshare(_NEW_USER | _NEW_PROCESSES | _NEW_NETWORK)
    except (OSError, AttributeError):
        return False
    alone = bool(left == 0)
    if alone and (child := os.fork()):
        _, ended = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(ended) & 0xFF)
    die_with_parent()
    return alone


def die_with_parent() -> None:
    """Be killed when the process that began us ends, however it ends."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, _KILL)


def limit(memory: int) -> None:
    """Bound memory, and allow no file to be written and no core to be dumped."""
    for what, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))


def allow(seconds: float) -> None:
    """Give the next call so much processor time, and end the process beyond it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))


def serve(inward: IO[bytes], outward: IO[bytes], *, alone: bool) -> None:
    """Load what the first frames say and answer tables until there are no more."""
    head, data = read_frame(inward), read_frame(inward)
    if head is None or data is None:
        return
    wanted = json.loads(head)
    limit(wanted["memory"])
    allow(wanted["seconds"])
    try:
        loaded = load(wanted["kind"], data, tuple(wanted["trusted"]))
    except BaseException as problem:  # noqa: BLE001  whatever a stranger's file may raise
        write_frame(outward, BAD + json.dumps(told(problem)).encode())
        return
    about = {"columns": loaded.columns, "cut_off": alone}
    write_frame(outward, GOOD + json.dumps(about).encode())
    while (table := read_frame(inward)) is not None:
        allow(wanted["seconds"])
        write_frame(outward, answer(loaded, table))


def told(problem: BaseException) -> dict[str, Any]:
    """Return what went wrong as plain data."""
    types = getattr(problem, "untrusted", ())
    missing = getattr(problem, "library", None)
    return {"problem": complaint(problem), "untrusted": list(types), "library": missing}


def answer(loaded: Loaded, table: bytes) -> bytes:
    """Return the frame that answers a table."""
    try:
        return GOOD + pack(loaded.predict(unpack(table)))
    except BaseException as problem:  # noqa: BLE001  whatever a stranger's model may do
        return BAD + complaint(problem).encode("utf-8", "replace")


def main() -> None:
    """Serve on the standard streams; what the model prints goes nowhere."""
    die_with_parent()
    alone = cut_off()
    inward, outward = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    with contextlib.suppress(BrokenPipeError):
        serve(inward, outward, alone=alone)
    # a model may have left threads and exit hooks behind: none of them is waited for
    os._exit(0)


if __name__ == "__main__":
    main()
