"""What an audit came to, in the hands of the person who asked for it."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .. import messages
from ..audit.folder import RunFolder, disk
from ..audit.plan import Plan
from ..audit.planfile import LoadedPlan, to_yaml
from ..audit.planrequest import kept
from ..audit.record import Finding, Record
from ..errors import UsageError
from . import show
from .plans import ITEMS, PERSONAS, PLAN, renamed
from .tables import Kind

SUFFIXES = {".html", ".pdf", ".json"}


class Findings(tuple[Finding, ...]):
    """The findings of an audit, in the order of its plan; they print as a table of sentences."""

    __slots__ = ()

    def __repr__(self) -> str:
        """One line a finding."""
        return "\n".join(
            f"{one.id} {messages.SYMBOLS[one.verdict]} {messages.text(f'words.{one.verdict}')} · "
            f"{one.treatment}: {one.level} / {one.reference}"
            for one in self
        )


class Sentences(tuple[str, ...]):
    """Sentences that print a line each."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return one line a sentence."""
        return "\n".join(self)


class RunPlan:
    """The plan of an audit: the same one that a file holds.

    Parameters
    ----------
    loaded : LoadedPlan
    folder : RunFolder
        Where its tables are kept.
    importable : bool
        Whether ``evenhand run`` can ask the model too: it can be imported, or it has an address.
    """

    def __init__(self, loaded: LoadedPlan, folder: RunFolder, *, importable: bool) -> None:
        self.data: Plan = loaded.plan
        self.importable = importable
        self._inputs = {
            name: kept(folder.path, name, path) for name, path in loaded.digest_inputs.items()
        }

    def to_yaml(self) -> str:
        """Return the plan as the text of a file, for ``evenhand run``.

        It names its tables where they are kept, in the run folder; :meth:`save` writes copies
        beside the plan. Where the model lived in this process, the first line says that another
        process cannot ask it.
        """
        where = {name: str(path.resolve()) for name, path in self._inputs.items()}
        plan = renamed(
            self.data,
            where.get("population", self.data.personas.population),
            where.get("items", self.data.items),
        )
        return self._head() + to_yaml(plan)

    def _head(self) -> str:
        return "" if self.importable else f"# {messages.text('api.in_memory')}\n"

    def save(self, folder: str | Path) -> Path:
        """Write the plan with its tables beside it, and return the plan's path."""
        place = Path(folder)
        names = {"population": PERSONAS, "items": ITEMS}
        with disk(place):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, path in self._inputs.items():
                if name in names:
                    shutil.copyfile(path, place / names[name])
            population = PERSONAS if "population" in self._inputs else None
            plan = renamed(
                self.data,
                population or self.data.personas.population,
                ITEMS if "items" in self._inputs else self.data.items,
            )
            path = place / PLAN
            path.write_text(self._head() + to_yaml(plan), "utf-8")
        return path

    def __repr__(self) -> str:
        """Return the plan as a file holds it."""
        return self.to_yaml()


class Result:
    """What an audit came to.

    Prints as sentences, and in a notebook as a table. Without ``out`` its run folder is temporary:
    it is removed when the result is closed or no longer held; :meth:`keep` copies it.

    Parameters
    ----------
    loaded : LoadedPlan
    folder : RunFolder
    kind : {"pandas", "polars", "pyarrow"}
        What :meth:`to_frame` gives.
    importable : bool
        Whether the plan runs where this process has ended.
    temporary : Path, optional
        A folder that goes with the result.

    Attributes
    ----------
    record : Record
    plan : RunPlan
    folder : Path
    """

    def __init__(
        self,
        loaded: LoadedPlan,
        folder: RunFolder,
        *,
        kind: Kind = "pandas",
        importable: bool = True,
        temporary: Path | None = None,
    ) -> None:
        self.record: Record = folder.read_record()
        self.plan = RunPlan(loaded, folder, importable=importable)
        self.folder = folder.path
        self._kind: Kind = kind
        self._remove = (
            weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
            if temporary is not None
            else None
        )

    @property
    def findings(self) -> Findings:
        """The findings, in the order of the plan."""
        return Findings(self.record.content.findings)

    @property
    def queries(self) -> int:
        """How many questions were asked."""
        return self.record.content.counts.planned

    def to_frame(self) -> Any:
        """Return one flat row a finding, in the library that the personas came in."""
        from ..reports.exports import rows

        made = rows(self.record)
        columns = {name: [row[name] for row in made] for name in (made[0] if made else {})}
        if self._kind == "pandas":
            import pandas as pd

            return pd.DataFrame(columns)
        import narwhals as nw

        return nw.from_dict(columns, backend=self._kind).to_native()

    def plot(self, ax: Any = None, *, language: str | None = None) -> Any:
        """Draw the findings against their limits and return matplotlib's axes.

        Chinese needs a font that has it; where none is installed the words are English.
        """
        return show.plot(self.record, ax, language)

    def plot_parts(
        self, finding: str | None = None, ax: Any = None, *, language: str | None = None
    ) -> Any:
        """Draw what a flagged difference is made of and return matplotlib's axes.

        Parameters
        ----------
        finding : str, optional
            The id of a finding, or ``"together"`` for the attributes that were changed together.
            Default: the first that the report shows.
        ax : matplotlib axes, optional
        language : {"zh", "en"}, optional

        Raises
        ------
        UsageError
            If nothing, or not this finding, was taken apart.
        """
        from . import parts

        return parts.plot(self.record, finding, ax, language)

    def explain(self, *, language: str | None = None) -> Sentences:
        """Return what each flagged difference is made of and who is hit, as the report says it.

        The audit asks for it out of what its budget leaves. Intervals are asymptotic: they
        describe and never decide.
        """
        return Sentences(show.explained(self.record, language))

    def report(self, path: str | Path, *, language: str | None = None) -> Path:
        """Write the report: ``.html`` or ``.pdf`` in one language, ``.json``, or a folder.

        Returns
        -------
        Path

        Raises
        ------
        UsageError
            If the file's name ends in anything else, or there is no such language.
        MissingExtraError
            If a PDF is asked for and the extra ``pdf`` is not installed.
        """
        from ..audit.taken import seen
        from ..reports import write

        place = Path(path)
        chosen = language or messages.language()
        with disk(place):
            if not place.suffix:
                languages = (language,) if language else messages.LANGUAGES
                folder = RunFolder(self.folder)
                write(self.record, folder.read_annex(), place, languages, taken=seen(folder))
                return place
            if place.suffix not in SUFFIXES:
                raise UsageError("api.report_suffix", got=place.name)
            data = self._page(place.suffix, chosen)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return place

    def _page(self, suffix: str, language: str) -> bytes:
        from ..audit.taken import seen
        from ..reports import exports
        from ..reports.html import html

        if suffix == ".json":
            return exports.tidy(self.record).encode()
        folder = RunFolder(self.folder)
        annex, found = folder.read_annex(), seen(folder)
        if suffix == ".html":
            return html(self.record, annex, language, taken=found).encode()
        from ..reports.pdf import pdf

        return pdf(self.record, annex, language, taken=found)

    def raise_for_findings(
        self, *, allow: Sequence[Any] | str | Path = (), today: date | None = None
    ) -> None:
        """Raise unless everything is within the limit, or allowed; see :func:`assert_even`.

        Raises
        ------
        UnevenError
            If something is beyond the limit, or real, and no entry of `allow` covers it.
        UndecidedError
            If something could not be judged.
        """
        from .gate import judge

        judge(self.record, allow, today=today).enforce()

    def keep(self, path: str | Path) -> Path:
        """Copy the run folder, so that it outlives the result.

        Raises
        ------
        UsageError
            If there is something at `path` already.
        """
        place = Path(path)
        if place.exists():
            raise UsageError("cli.file_exists", path=str(place))
        with disk(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(self.folder, place)
            place.chmod(0o700)
        return place

    def close(self) -> None:
        """Remove a temporary run folder; what is in memory stays."""
        if self._remove is not None:
            self._remove()

    def __enter__(self) -> Self:
        """Return the result."""
        return self

    def __exit__(
        self,
        _: type[BaseException] | None,
        __: BaseException | None,
        ___: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def __repr__(self) -> str:
        """Return the findings in sentences."""
        return show.text(self.record)

    def _repr_html_(self) -> str:
        return show.html(self.record)
