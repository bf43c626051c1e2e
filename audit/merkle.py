"""RFC 6962 hash trees: what a root commits to, and the proof that one leaf is under it.

The root over a sequence stands for every leaf and for their order. A proof is one hash a level: a
million leaves take twenty. The root itself is computed leaf by leaf by
:class:`evenhand.audit.verify.Tree`; here the same is written down as the standard defines it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import rfc8785


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf: a leaf can never be mistaken for a node.

    Examples
    --------
    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two sides."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over leaves that are hashed already (RFC 6962, section 2.1).

    Parameters
    ----------
    hashes : sequence of bytes
        :func:`leaf_hash` of each leaf, in order.

    Examples
    --------
    >>> root([]).hex()[:16]
    'e3b0c44298fc1c14'
    """
    if not hashes:
        return hashlib.sha256().digest()
    level = list(hashes)
    while len(level) > 1:
        level = [
            node_hash(*level[i : i + 2]) if i + 1 < len(level) else level[i]
            for i in range(0, len(level), 2)
        ]
    return level[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That a leaf is at `index` of a tree of `size` leaves: the hash beside it on every level."""

    index: int
    size: int
    beside: tuple[bytes, ...]

    def root(self, leaf: bytes) -> bytes:
        """Return the root that follows for `leaf`: the proof holds if it is the printed one.

        Examples
        --------
        >>> leaves = [b"a", b"b", b"c"]
        >>> hashes = [leaf_hash(leaf) for leaf in leaves]
        >>> prove(hashes, 2).root(b"c") == root(hashes), prove(hashes, 2).root(b"b") == root(hashes)
        (True, False)
        """
        found, place, last, given = leaf_hash(leaf), self.index, self.size - 1, iter(self.beside)
        while last > 0:
            if place % 2:
                found = node_hash(next(given, b""), found)
            elif place < last:
                found = node_hash(found, next(given, b""))
            place, last = place // 2, last // 2
        return found

    def to_bytes(self) -> bytes:
        """Return the proof as canonical JSON.

        Examples
        --------
        >>> prove([leaf_hash(b"a")], 0).to_bytes()
        b'{"index":0,"path":"","size":1}'
        """
        path = base64.urlsafe_b64encode(b"".join(self.beside)).decode()
        return rfc8785.dumps({"index": self.index, "path": path, "size": self.size})


def prove(hashes: Iterable[bytes], index: int) -> Proof:
    """Return the proof for one leaf.

    Parameters
    ----------
    hashes : iterable of bytes
        :func:`leaf_hash` of each leaf, in order. Read once, never held: memory is logarithmic.
    index : int
        Whose proof it is.

    Raises
    ------
    IndexError
        If there is no such leaf.
    """
    peaks: list[_Peak] = []
    size = 0
    for one in hashes:
        peak = _Peak(one, 0, holds=size == index)
        while peaks and peaks[-1].height == peak.height:
            peak = _joined(peaks.pop(), peak)
        peaks.append(peak)
        size += 1
    if not 0 <= index < size:
        raise IndexError(index)
    while len(peaks) > 1:
        right = peaks.pop()
        peaks.append(_joined(peaks.pop(), right))
    return Proof(index=index, size=size, beside=tuple(peaks[0].beside))


class _Peak:
    """A perfect subtree, and the proof so far if the leaf is under it."""

    __slots__ = ("beside", "hash", "height", "holds")

    def __init__(self, hash_: bytes, height: int, *, holds: bool) -> None:
        self.hash, self.height, self.holds = hash_, height, holds
        self.beside: list[bytes] = []


def _joined(left: _Peak, right: _Peak) -> _Peak:
    both = _Peak(node_hash(left.hash, right.hash), left.height + 1, holds=left.holds or right.holds)
    if left.holds:
        both.beside = [*left.beside, right.hash]
    elif right.holds:
        both.beside = [*right.beside, left.hash]
    return both
