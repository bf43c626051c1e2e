"""One call: a model and some people in, findings out. The plan underneath is a plan like any other."""

from __future__ import annotations

import contextvars
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypedDict

from ..audit.folder import RunFolder
from ..audit.planfile import LoadedPlan, load
from ..audit.run import Audit, begin, prepare
from ..audit.run import run as drive
from ..datasets.personas import Level
from ..errors import TargetError, UsageError
from . import models, plans, tables
from .models import Vendor
from .plans import Conditions, Control, Money, Treated, Wish
from .progress import Progress
from .result import Result
from .tables import Given, Kind

Direction = Literal["any", "harm"]


class Arguments(TypedDict, total=False):
    """The arguments of :func:`run` that make its plan, for functions that pass them on."""

    personas: Any
    treat: Mapping[str, Treated] | None
    conditions: Conditions | None
    positive: Control | None
    money: Money | None
    tolerance: str | float
    share: str | float
    beyond: str | float
    direction: Direction
    budget: int
    seed: int
    items: Any
    ids: str | None
    fixed: Mapping[str, Level] | None
    identity: str | None
    batch: bool
    deterministic: bool | None
    alpha_clear: float
    title: str | None
    because: str | None
    jurisdictions: Sequence[str]
    price: str | None
    request: Mapping[str, Any] | None
    headers: Mapping[str, str] | None
    authorisation: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An audit before its first call, and where its tables stand until the run folder has them."""

    audit: Audit
    staging: Path
    kind: Kind
    importable: bool

    @property
    def loaded(self) -> LoadedPlan:
        """The plan."""
        return self.audit.loaded

    def discard(self) -> None:
        """Remove what was written for it."""
        shutil.rmtree(self.staging, ignore_errors=True)

    def run(self, out: str | Path | None, *, quiet: bool) -> Result:
        """Ask, and return what it came to."""
        path = self.staging / "run" if out is None else Path(out)
        model = self.audit.model
        if out is not None and model is not None and (path / "plan.lock.json").exists():
            # a plan does not hold the model: what is there may be another model's answers
            raise UsageError("api.out_exists", path=str(path))
        folder = begin(self.audit, path)
        with Progress(quiet=quiet) as progress:
            try:
                _beside_any_loop(lambda: drive(self.audit, folder, watch=progress), folder)
            except TargetError:
                raised = getattr(model, "raised", None)
                if raised is None:
                    raise
                raise TargetError("api.model_raised", error=repr(raised)) from raised
        result = Result(
            self.loaded,
            folder,
            kind=self.kind,
            importable=self.importable,
            temporary=self.staging if out is None else None,
        )
        if out is not None:
            self.discard()
        return result


def run(
    model: Any,
    *,
    personas: Any = None,
    treat: Mapping[str, Treated] | None = None,
    conditions: Conditions | None = None,
    positive: Control | None = None,
    money: Money | None = None,
    tolerance: str | float = "1%",
    share: str | float = "2%",
    beyond: str | float = "5%",
    direction: Direction = "any",
    budget: int = 20_000,
    seed: int = 0,
    out: str | Path | None = None,
    quiet: bool = False,
    items: Any = None,
    ids: str | None = None,
    fixed: Mapping[str, Level] | None = None,
    identity: str | None = None,
    batch: bool = True,
    deterministic: bool | None = None,
    alpha: float = 0.05,
    alpha_clear: float = 0.05,
    title: str | None = None,
    because: str | None = None,
    jurisdictions: Sequence[str] = (),
    price: str | None = None,
    request: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    authorisation: Mapping[str, Any] | None = None,
) -> Result:
    """Audit a model and return what it came to.

    Null hypothesis, for each treated level: the price does not depend on it. Guarantee:
    finite-sample, at any stopping time: a false accusation with chance at most `alpha`, a false
    clearance with chance at most `alpha_clear`, over all treated levels together.

    Parameters
    ----------
    model : object, str or Path
        An estimator with ``predict``, or a callable that takes a data frame and gives prices;
        ``"module:name"``; the address of an endpoint; or a plan file, with which only `out` and
        `quiet` go.
    personas : pandas, polars or pyarrow data frame, optional
        Who is simulated: real rows, or made-up ones. Only the columns that the call names are
        kept, in a folder that only its owner may read. A column ``weight`` weighs the rows.
    treat : mapping of str to (reference, levels) or mapping
        What must not matter. A mapping is an attribute as a plan file writes it: ``reference``,
        ``levels``, ``role`` (default ``"preference"``), ``because``, ``label``, ``cues``, …
    conditions : sequence of str, or mapping of str to levels, optional
        What may matter, held equal within a comparison. Default: the rest of what the estimator
        was trained on.
    positive : (name, from, to) or (name, from, to, "dearer" | "cheaper" | "different"), optional
        A condition that must move the price. Without it nothing can be found within the limit: a
        model that answers the same to everything would pass.
    money : str or mapping
        What a price is: ``"EUR"``, ``"CNY per night"``.
    tolerance, share, beyond : str or float
        The limit: of the mean gap, and of the share of customers whose gap is beyond `beyond`.
    direction : {"any", "harm"}
        Which gaps count for the share.
    budget : int
        Most questions. Most audits end long before.
    seed : int
        The same call with the same seed gives the same record.
    out : str or Path, optional
        Run folder to keep. Default: a temporary one, removed with the result.
    quiet : bool
        Show no progress.
    items : data frame, optional
        What is offered, with a column ``id``.
    ids : str, optional
        Column of real ids that the model looks people up by: on file they are hashes; a model of
        this process is asked with the real ones.
    fixed : mapping of str to level, optional
        Fields that are the same in every question.
    identity : str, optional
        The field that carries a made-up account. Default: ``"identity"`` for an endpoint.
    batch : bool
        Whether a callable takes a table; else one mapping a question.
    deterministic : bool, optional
        Assume that the same question has one answer; withdrawn at the first unequal twin.
        Default: for a model of this process that is given no `identity`.
    alpha, alpha_clear : float
    title, because : str, optional
        Of the report, and why these treatments must not matter.
    jurisdictions : sequence of str
        Whose provisions the report names, e.g. ``["CN-Shenzhen", "CN"]``.
    price : str, optional
        JSONPath of the price in an answer. Default for an endpoint: ``"$.price"``.
    request, headers : mapping, optional
        Of the questions, with placeholders, as a plan file writes them.
    authorisation : mapping, optional
        The written permission, for an endpoint that is not on this machine.

    Returns
    -------
    Result

    Raises
    ------
    UsageError
        If the arguments cannot be meant, or make a plan with mistakes.
    TargetError
        If nothing usable comes back.

    Examples
    --------
    >>> import pandas as pd
    >>> guests = pd.DataFrame({"nights": [1, 2, 3, 4], "phone": ["old", "new", "old", "new"]})
    >>> def price(table):
    ...     return 90.0 * table["nights"] * (1 + 0.1 * (table["phone"] == "new"))
    >>> result = run(
    ...     price,
    ...     personas=guests,
    ...     treat={"phone": ("old", ["new"])},
    ...     conditions=["nights"],
    ...     positive=("nights", 1, 4, "dearer"),
    ...     money="EUR",
    ... )
    >>> [(finding.treatment, finding.verdict) for finding in result.findings]
    [('phone', 'established')]
    """
    # first thing in the body: these are the arguments and nothing else
    given = {name: value for name, value in locals().items() if name not in {"out", "quiet"}}
    prepared = prepared_call(**given)
    try:
        return prepared.run(out, quiet=quiet)
    except BaseException:
        prepared.discard()
        raise


def prepared_call(model: Any, **arguments: Any) -> Prepared:
    """Return the audit of a call of :func:`run`. Sends nothing; the arguments are those of `run`."""
    path = plan_path(model)
    if path is not None:
        return _of_file(path, arguments)
    who = models.vendor(model)
    wish = _wish(who, arguments)
    treated = plans.treatments(arguments["treat"] or {}, wish.because)
    lawful = plans.conditions(who, wish, treated)
    control = plans.positive(wish.positive, lawful)
    attributes = {**treated, **lawful}
    people = _people(arguments, attributes, wish)
    things = _things(arguments["items"], wish.seed)
    kind: Kind = people.kind if people else "pandas"
    staging = Path(tempfile.mkdtemp(prefix="evenhand-"))
    try:
        if people is not None:
            people.write(staging / plans.PERSONAS)
        if things is not None:
            things.write(staging / plans.ITEMS)
        made = plans.document(who, wish, people, things, attributes, control, kind)
        audit = prepare(plans.loaded(made, staging))
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    if who.model is not None:
        fields = list(made["target"]["request"])
        both = [one for one in (people, things) if one is not None]
        ask = models.asked(who, both, frame=kind, batch=wish.batch, fields=fields)
        audit = replace(audit, model=ask)
    return Prepared(audit=audit, staging=staging, kind=kind, importable=who.importable)


def defaults() -> dict[str, Any]:
    """Return the arguments of :func:`run` that make its plan, as they are where they are not given."""
    own = run.__kwdefaults__ or {}
    return {name: value for name, value in own.items() if name not in {"out", "quiet"}}


def plan_path(model: Any) -> Path | None:
    """Return the path of a plan file; None where `model` is something else."""
    if isinstance(model, Path):
        return model
    is_file = isinstance(model, str) and model.lower().endswith((".yaml", ".yml"))
    return Path(model) if is_file and "://" not in model else None


def _of_file(path: Path, arguments: Mapping[str, Any]) -> Prepared:
    own = defaults()
    changed = sorted(n for n, value in arguments.items() if not _same(value, own.get(n)))
    if changed:
        raise UsageError("api.plan_and_arguments", names=", ".join(changed))
    audit = prepare(load(path))
    staging = Path(tempfile.mkdtemp(prefix="evenhand-"))
    return Prepared(audit=audit, staging=staging, kind="pandas", importable=True)


def _same(one: Any, other: Any) -> bool:
    plain = isinstance(one, str | int | float | tuple)
    return one is other or (plain and one == other)


def _wish(who: Vendor, arguments: Mapping[str, Any]) -> Wish:
    given = dict(arguments)
    identity = given.pop("identity") or (None if who.in_process else "identity")
    deterministic = given.pop("deterministic")
    if deterministic is None:
        deterministic = who.model is not None and identity is None
    limits = given.pop("limits", None) or [
        {
            "ratio": given["tolerance"],
            "share": given["share"],
            "beyond": given["beyond"],
            "direction": given["direction"],
        }
    ]
    for name in ("personas", "items", "ids", "tolerance", "share", "beyond", "direction"):
        given.pop(name)
    for name in ("fixed", "headers", "treat"):
        given[name] = given[name] or {}
    return Wish(**given, limits=limits, identity=identity, deterministic=deterministic)


def _people(
    arguments: Mapping[str, Any], attributes: Mapping[str, Mapping[str, Any]], wish: Wish
) -> Given | None:
    frame = arguments["personas"]
    if frame is None:
        return None
    there = tables.columns_of(frame)
    tables.same_categories(frame, attributes)
    named = [name for name, part in attributes.items() if name in there or _brought(part)]
    return tables.given(frame, named, ids=arguments["ids"], seed=wish.seed)


def _brought(part: Mapping[str, Any]) -> bool:
    """Whether only the people can bring an attribute: a condition without levels of its own."""
    return part["role"] == "condition" and not part.get("levels")


def _things(frame: Any, seed: int) -> Given | None:
    if frame is None:
        return None
    return tables.given(frame, tables.columns_of(frame), ids=None, seed=seed)


def _beside_any_loop(work: Callable[[], Any], folder: RunFolder) -> None:
    """Run an audit; in a thread of its own where a loop runs here already, as in a notebook."""
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        work()
        return
    failed: list[BaseException] = []
    context = contextvars.copy_context()

    def inside() -> None:
        try:
            context.run(work)
        except BaseException as error:  # noqa: BLE001 - it is raised again where it was asked for
            failed.append(error)

    thread = threading.Thread(target=inside, name="evenhand-run")
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        with suppress(OSError):
            folder.stop.touch()
        thread.join()
        raise
    if failed:
        raise failed[0]
