"""The contracts of everything that may be asked.

A question is a pure function from what has been seen so far to the next wave of trials. Probes,
controls, screenings, canaries and explanations differ only in how they read the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np

from ..datasets.personas import Attribute, Level, Role, Table
from ..messages import Text
from ..metrics.result import Estimate, Guarantee
from .design import Floats, Observed, Wave


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """What one unit of an answered price is, as the plan declares it: never guessed."""

    currency: str
    unit: str
    per: str
    includes: tuple[str, ...] = ()
    minor: int = 1
    """How many of `unit` make one unit of `currency` (100 for fen)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What the plan fixes, resolved: who may be asked, about what, and what the requests carry.

    Parameters
    ----------
    personas, items, identities : Table
        The frame. `identities` is empty where they are made fresh.
    persona_weights, item_weights : (rows,) float array
        Chance of each row to be drawn, summing to 1.
    attributes : mapping of str to Attribute
        In plan order. A condition with levels is drawn from them, each alike; one without levels
        is a column of `personas`.
    carried : frozenset of str
        Fields of personas that the request carries.
    tied : tuple of str
        Attributes that come with an account and cannot vary within one.
    assigned : {"lot", "vendor", "self"} or None
        How tied attributes came to their accounts; what testers brought themselves is associational.
    outcomes : mapping of str to str
        What the target answers → its kind: ``"price"`` or ``"amount"`` (of money), ``"number"``,
        ``"flag"``, ``"list"``.
    money : Money, optional
        None where nothing that is answered is money.
    steps : tuple of str
        Steps of a session.
    recorded : bool
        Whether all answers come from a log: nobody assigned anything by lot.
    """

    personas: Table
    persona_weights: Floats
    items: Table
    item_weights: Floats
    identities: Table = field(default_factory=Table)
    attributes: Mapping[str, Attribute]
    carried: frozenset[str]
    tied: tuple[str, ...] = ()
    assigned: str | None = None
    outcomes: Mapping[str, str]
    money: Money | None = None
    steps: tuple[str, ...] = ("quote",)
    recorded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a hypothesis is about where that is no attribute of the plan: a path, a notice.

    Parameters
    ----------
    label : mapping
        What people call it, in zh and en.
    question : mapping
        What people ask about it.
    reference : level
        What the treated level is compared with.
    level_label, reference_label : mapping
        What people call either: “looked twice”, 看过两次.
    role, kind : str
        As for an attribute.
    done : bool
        Whether it is something that customers do. Its labels are then verbs, “customers who looked
        twice”; of what they are, as of several attributes together, nouns as those of an attribute.
    """

    label: Text
    question: Text
    reference: Level
    level_label: Text
    reference_label: Text
    role: Role = "habit"
    kind: str = ""
    done: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One thing that is to be found out, declared before the first call.

    Parameters
    ----------
    id, probe, outcome : str
    treatment : str
        An attribute of the plan, or what `subject` is about.
    level : level
    primary : bool
    subject : Subject, optional
    kind : str
        Kind of finding that a difference would be; empty: that of the attribute.
    question : mapping, optional
        What people ask about it, in zh and en, where that is not what they ask about the attribute.
    defence : str
        The explanation of a vendor that it puts to the test, as ``datasets/rules`` calls it.
    """

    id: str
    probe: str
    outcome: str
    treatment: str
    level: Level
    primary: bool = True
    subject: Subject | None = None
    kind: str = ""
    question: Text | None = None
    defence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A number that the answers show beside a verdict. It describes and decides nothing.

    Parameters
    ----------
    name : str
        For machines: ``"part.coupon"``, ``"cue.bid"``, ``"elasticity"``.
    label : mapping
        What it is, in zh and en.
    estimate : Estimate
        A ``"log-ratio"`` is told in per cent, ``"money"`` in the currency of the plan.
    guarantee : str
        Of its interval.
    per : str
        What an amount of money is for, where that is not what the plan says: ``"year"``.
    """

    name: str
    label: Text
    estimate: Estimate
    guarantee: Guarantee = "heuristic"
    per: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """How strong the evidence is for each claim about one hypothesis, at one set of limits.

    All are natural logarithms of e-values, after the last complete wave. Those that accuse are
    running maxima in block order; the three that clear are at the same moment.

    Parameters
    ----------
    differs : float
        Against "the answers do not depend on the attribute".
    differs_now : float
        The same after the last block, not its maximum: it decides how often twins are asked.
    beyond : float
        Against "mean within the limit and share within the limit": ½ e_mean + ½ e_share.
    mean_beyond, share_beyond : float
        The two halves, each already halved.
    inside : tuple of 3 floats
        Against "share at least s", "mean at least +d", "mean at most −d". All must be high.
    hoped : tuple of 2 floats, optional
        What the least of `inside`, and `beyond`, may well come to: were every flag dropped that is
        still asked about, and two standard errors up. It says whether going on is hopeless, and is
        evidence of nothing. None: no more than they are.
    estimable : bool
        Whether the vendor's own noise lets the share be bounded at all.
    """

    differs: float = 0.0
    differs_now: float = 0.0
    beyond: float = 0.0
    mean_beyond: float = 0.0
    share_beyond: float = 0.0
    inside: tuple[float, float, float] = (0.0, 0.0, 0.0)
    hoped: tuple[float, float] | None = None
    estimable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How a probe reads the answers for one hypothesis.

    Parameters
    ----------
    claims : mapping of float to Claims
        For 1 and, in a report, ½ and 2 times the tolerance. Without one there is no claim on size.
    effect, share : Estimate
        The mean effect with a time-uniform interval at `level`; the confirmed share.
    bounds : mapping of str to Estimate
        More numbers to print, e.g. ``"share_dearer"``, ``"single_quotes"``, ``"twin_beyond"``.
    base : float
        What the reference gets on average: of amounts the geometric mean, which turns percent into
        money. NaN where nothing was answered.
    examples : tuple of (wave, position) pairs
        Trials that show it best: treated, reference, treated, reference, …
    associational : bool
        Whether nobody assigned the attribute by lot: then it can be indicated at most.
    harm : {1, -1}
        1 where more of what is told is worse for the customer, −1 where less is.
    exhausted : bool
        Whether no account is left that could serve: each serves once where an attribute is tied.
    queries : int
        Trials asked for this hypothesis, shared arms included.
    assumption : {"holds", "withdrawn"} or None
        What became of the plan's assumption that the vendor answers alike whoever asks.
    reason : str or None
        Id of the message that says why nothing can be told, e.g. ``"verdicts.noise"``.
    described : tuple of Described
        What else the answers show, for a report.
    method : tuple of mapping
        What its method does beyond the usual, a sentence each in zh and en: the estimand, where it
        is another.
    """

    hypothesis: Hypothesis
    delivered: bool = True
    claims: Mapping[float, Claims]
    effect: Estimate
    share: Estimate | None = None
    bounds: Mapping[str, Estimate] = field(default_factory=dict[str, Estimate])
    base: float = float("nan")
    guarantee: Guarantee = "finite-sample"
    unit: str = "block"
    associational: bool = False
    harm: int = 1
    exhausted: bool = False
    assumption: Literal["holds", "withdrawn"] | None = None
    n: int = 0
    n_excluded: int = 0
    queries: int = 0
    smallest_detectable: float | None = None
    reason: str | None = None
    reason_values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    examples: tuple[tuple[int, int], ...] = ()
    described: tuple[Described, ...] = ()
    method: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a probe's own twins and failures say of the audit itself.

    Parameters
    ----------
    kind : {"twins", "harness", "access", "drift", "asking"}
    passed : bool
    values : mapping
        For the sentence that reports it (message ``audit.control_<kind>``).
    """

    kind: str
    passed: bool
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a question may look at when it plans its next wave: complete earlier waves only.

    Parameters
    ----------
    observed : Observed
        The question's own trials.
    evidence : sequence of Evidence
        What its `test` said of them, for a Probe.
    undecided : frozenset of str
        Ids of hypotheses that are still open; arms of decided ones are left out.
    trials_left : int
        Trials, not attempts: a retry never changes what is asked next.
    accuse_at, clear_at : float
        Log e-values at which a claim of either kind would be made now: they size the next wave.
    wave_limit : int
        Most trials in one wave: what the rate limit sends in a minute.
    """

    observed: Observed
    evidence: Sequence[Evidence] = ()
    undecided: frozenset[str] = frozenset()
    trials_left: int
    accuse_at: float = 3.0
    clear_at: float = 3.0
    wave_limit: int = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a question says of itself; one law test holds every one to it.

    Parameters
    ----------
    name : str
        As plans name it, e.g. ``"pricing.twins"``.
    question : mapping
        What it asks, in zh and en.
    roles : frozenset of str
        Roles of attributes that it can treat.
    needs : frozenset of str
        What the target must give: ``"price"``, ``"ranking"``, ``"steps:cart"``, …
    outcomes : mapping of str to str
        Outcome → unit of its effect.
    tolerance : frozenset of str
        Kinds of tolerance that it takes.
    null, cost : mapping
        Its null hypothesis, and what it costs in queries, in zh and en.
    guarantee : str
    finding_kinds : frozenset of str
        Empty: the treated attribute's own kind.
    direction : {"any", "harm"}
        Which differences count where a plan does not say.
    options : mapping of str to mapping
        Settings of its own that a plan's entry may make → what each does, in zh and en.
    """

    name: str
    question: Text
    roles: frozenset[Role]
    needs: frozenset[str]
    outcomes: Mapping[str, str]
    tolerance: frozenset[str] = frozenset()
    null: Text
    cost: Text
    guarantee: Guarantee
    finding_kinds: frozenset[str] = frozenset()
    direction: Literal["any", "harm"] = "any"
    options: Mapping[str, Text] = field(default_factory=dict[str, Text])


@runtime_checkable
class Question(Protocol):
    """Anything that may be asked. Pure: same study, same seen, same generator state, same wave."""

    @property
    def card(self) -> Card:
        """What the question says of itself."""
        ...

    def design(self, study: Study, seen: Seen, rng: np.random.Generator) -> Wave | None:
        """Return the next wave, or None when nothing is left to ask."""
        ...


@runtime_checkable
class Probe(Question, Protocol):
    """A question that tests hypotheses."""

    def hypotheses(self, study: Study) -> Sequence[Hypothesis]:
        """Return what will be found out, before anything is asked."""
        ...

    def test(self, study: Study, observed: Observed, level: float | None) -> Sequence[Evidence]:
        """Return the evidence from all answers, for a report with intervals at `level`.

        With None what only a report needs is left out: between two waves nobody reads it.
        """
        ...

    def checks(
        self, study: Study, observed: Observed, rng: np.random.Generator | None
    ) -> Sequence[Check]:
        """Return the checks of the audit itself; without `rng` only those that decide."""
        ...
