"""What a report is made of, before it is HTML or paper: blocks that hold text and numbers only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from ..audit.record import Verdict
from ..messages import SYMBOLS

WHOLE = 16
"""Numbers up to this many characters are never broken over two lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A verdict: its shape and its fixed words."""

    verdict: Verdict
    words: str

    @property
    def symbol(self) -> str:
        """The shape of the verdict."""
        return SYMBOLS[self.verdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One cell of a table. `link` is the id of a block in the same report."""

    text: str
    badge: Badge | None = None
    number: bool = False
    link: str | None = None

    @property
    def whole(self) -> bool:
        """Whether it is short enough never to be broken over two lines."""
        return bool(self.link) or (self.number and len(self.text) <= WHOLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table; `wide` ones are set smaller on paper."""

    type: ClassVar[str] = "table"
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A paragraph of plain text."""

    type: ClassVar[str] = "paragraph"
    text: str
    tone: Literal["body", "lead", "small"] = "body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A list of short sentences."""

    type: ClassVar[str] = "bullets"
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A name and its value; `code` values are hashes, addresses and commands."""

    name: str
    value: str
    code: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names and values, one below the other."""

    type: ClassVar[str] = "facts"
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Callout:
    """Something that nobody should miss."""

    type: ClassVar[str] = "callout"
    title: str
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One row of a dot-and-interval chart, in percent."""

    label: str
    verdict: Verdict
    estimate: float
    low: float
    high: float
    value: str
    """The numbers, written out: ``"3.0 % (2.4 to 3.6 %)"``."""
    limit_low: float | None = None
    limit_high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalChart:
    """Dots with intervals over a zero line and the limits.

    `money` is what one percent is in money (None: no second axis); `currency` names it. The band
    of a row is what lies inside its limit.
    """

    type: ClassVar[str] = "intervals"
    dots: tuple[Dot, ...]
    percent_axis: str
    money_axis: str = ""
    money: float | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IconArray:
    """A hundred customers: `up` dearer, `down` cheaper, `either` beyond with no side known."""

    type: ClassVar[str] = "icons"
    up: int
    down: int
    either: int
    legend: tuple[tuple[str, str], ...]
    """Shape (``"up"``, ``"down"``, ``"either"``, ``"rest"``) and what it stands for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One part of a whole, with its sign and, where it has one, its interval; `words` says part and sign."""

    words: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareBars:
    """What each part adds to a gap: filled bars add, outlined ones take away.

    `legend`: what filled means, what outlined means.
    """

    type: ClassVar[str] = "bars"
    bars: tuple[Bar, ...]
    legend: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowChart:
    """The flow of trials: what was planned, what became of it, what was analysed."""

    type: ClassVar[str] = "flow"
    first: tuple[str, str]
    middle: tuple[tuple[str, str], ...]
    last: tuple[str, str]


Chart = IntervalChart | IconArray | FlowChart | ShareBars


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureBlock:
    """A chart: its title is its conclusion, its `alt` holds the numbers, a table stands beneath."""

    type: ClassVar[str] = "figure"
    id: str
    title: str
    alt: str
    chart: Chart
    table: Table | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What somebody wrote into the annex, word for word."""

    type: ClassVar[str] = "quote"
    heading: str
    texts: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingSummary:
    """The summary of one finding: a badge, its question, its model sentences."""

    type: ClassVar[str] = "summary"
    id: str
    badge: Badge
    question: str
    sentences: tuple[str, ...]
    notes: tuple[str, ...] = ()
    linked: bool = True
    """Whether the finding has a page in the same report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Blocks under a smaller heading."""

    type: ClassVar[str] = "group"
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingPage:
    """A page for one finding; its title is its claim."""

    type: ClassVar[str] = "finding"
    id: str
    badge: Badge
    claim: str
    question: str
    blocks: tuple[Block, ...]


Block = (
    Paragraph
    | Bullets
    | Facts
    | Table
    | Callout
    | FigureBlock
    | Quote
    | FindingSummary
    | Group
    | FindingPage
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A numbered section of the outline."""

    id: str
    number: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole report in one language."""

    language: str
    title: str
    subtitle: str
    contents: str
    """What the list of sections is called."""
    foot: str
    sections: tuple[Section, ...]
    single: bool = False
    """Whether it is one page: without a list of contents, set to fit on one sheet."""


def tables(parts: Iterable[Section | Block]) -> Iterator[Table]:
    """Yield every table of sections or blocks, in the order of reading."""
    for part in parts:
        if isinstance(part, Table):
            yield part
        elif isinstance(part, FigureBlock):
            yield from (part.table,) if part.table else ()
        elif isinstance(part, Section | Group | FindingPage):
            yield from tables(part.blocks)
