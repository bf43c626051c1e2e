"""Which fonts paper is set in, and which characters they can show.

A page that people keep must not name a character that its fonts lack, and the same record must
give the same bytes: the fonts come with packages. A system's own serve where the package of the
Chinese ones is missing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import MissingExtraError

SYSTEM = (
    ("Noto Sans CJK SC", "Noto Serif CJK SC"),
    ("Source Han Sans SC", "Source Han Serif SC"),
    ("PingFang SC", "Songti SC"),
    ("Microsoft YaHei", "SimSun"),
    ("WenQuanYi Zen Hei", "WenQuanYi Zen Hei"),
)
"""Families of a system that have both Chinese and Latin letters: without and with serifs."""
_NEVER = frozenset({"Cc", "Cs", "Co", "Cn"})
"""Kinds that no page for an archive may hold, whatever a font draws for them."""
_LAST = "DejaVu Sans"
"""What shows the signs that a Chinese font lacks; it comes with matplotlib."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faces:
    """The families of a page: every list of fonts on it ends with `sans` and `last`."""

    sans: str
    serif: str
    last: str
    fonts: Any
    """The fonts as typst holds them: loaded once."""
    known: tuple[frozenset[int], ...]
    """The code points of `sans` and of `last`."""
    plain: frozenset[int] = frozenset()
    """Those that stand by themselves: a text of nothing else is shown as it is."""

    def shown(self, text: str) -> str:
        """Return text with every character that no font can show made visible.

        A mark stays only where one font has it and the letter that it stands on.
        """
        if self.plain.issuperset(map(ord, text)):
            return text
        kept: list[str] = []
        for character in unicodedata.normalize("NFC", text):
            base = kept[-1][-1:] if kept and unicodedata.combining(character) else ""
            wanted = {ord(one) for one in base + character}
            able = character.isspace() or (
                unicodedata.category(character) not in _NEVER
                and any(wanted <= font for font in self.known)
            )
            kept.append(character if able else "\N{REPLACEMENT CHARACTER}")
        return "".join(kept)


@cache
def faces() -> Faces:
    """Return the fonts of a page.

    Raises
    ------
    MissingExtraError
        If typst is not installed, or no Chinese font is there.
    """
    typst = _typst()
    found = _packaged() or _installed(typst)
    if found is None:
        raise MissingExtraError("report.no_chinese_font")
    (sans, serif), files = found
    last = _last()
    known = (_points(*files[0]), _points(last, 0))
    folders = sorted({str(path.parent) for path, _ in (*files, (last, 0))})
    return Faces(
        sans=sans,
        serif=serif,
        last=_LAST,
        fonts=typst.Fonts(include_system_fonts=False, font_paths=folders),
        known=known,
        plain=frozenset(filter(_alone, frozenset().union(*known))) | {ord("\n")},
    )


def _typst() -> Any:
    try:
        import typst
    except ImportError:
        raise MissingExtraError("report.no_typst") from None
    return typst


def _alone(point: int) -> bool:
    character = chr(point)
    return not unicodedata.combining(character) and unicodedata.category(character) not in _NEVER


Found = tuple[tuple[str, str], tuple[tuple[Path, int], ...]]
"""Two families, and the file and the place in it of the font of each."""


def _packaged() -> Found | None:
    try:
        import pylopdf_fonts_zh_cn as package
    except ImportError:
        return None
    files = ((package.sans_path(), 0), (package.serif_path(), 0))
    return ("Noto Sans SC", "Noto Serif SC"), files


def _installed(typst: Any) -> Found | None:
    fonts = typst.Fonts(include_system_fonts=True, include_embedded_fonts=False).fonts()
    # the lightest first: a regular one stands before a bold one
    upright = sorted((one for one in fonts if one.path), key=lambda one: (one.weight, one.path))
    first = {one.family: (Path(one.path), one.index) for one in reversed(upright)}
    for pair in SYSTEM:
        if all(family in first for family in pair):
            return pair, tuple(first[family] for family in pair)
    return None


def _last() -> Path:
    import matplotlib as mpl

    return Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"


@cache
def _points(path: Path, number: int) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(path, fontNumber=number, lazy=True) as font:
        return frozenset(font.getBestCmap())
