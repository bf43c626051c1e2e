"""Where a line may end, and where it may not, in HTML and on paper alike."""

from __future__ import annotations

import re

_LONG_WORD = re.compile(r"[^\s\u2e80-\uffef]{25,}")
_PIECE = re.compile(r".{1,16}")
_PERCENT = re.compile(r"(?<=\d) %")
_MINUS = re.compile("\N{MINUS SIGN}(?=[€¥])")


def unbroken(text: str) -> str:
    r"""Keep a number and its percent sign, and a minus and its currency, on one line.

    Examples
    --------
    >>> unbroken("2.4 to 3.6 %")
    '2.4 to 3.6\xa0%'
    """
    return _MINUS.sub("\N{MINUS SIGN}\N{WORD JOINER}", _PERCENT.sub("\N{NO-BREAK SPACE}%", text))


def broken(text: str, mark: str) -> str:
    """Return text with `mark` in its long words, where a renderer may begin a line.

    Examples
    --------
    >>> broken("a hash: " + "f" * 30, "|")
    'a hash: ffffffffffffffff|ffffffffffffff'
    """
    return _LONG_WORD.sub(lambda word: mark.join(_PIECE.findall(word[0])), text)
