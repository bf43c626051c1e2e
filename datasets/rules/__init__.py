"""Rules as data: provisions that findings may bear on, and what a vendor may say in reply.

Not legal advice. Provisions are dated and graded by how well their text is known; a report says
"bears on" and never that the law was broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import Any

import yaml

from ...messages import Text


def provisions() -> tuple[Mapping[str, Any], ...]:
    """Return every provision, in the order of the file.

    Each has ``id``, ``jurisdiction``, ``instrument``, ``article``, ``in_force_since``, ``status``,
    ``title``, ``paraphrase``, ``bears_on`` (``direct``, ``duty`` or ``context`` → finding kinds),
    ``confidence`` (A may be quoted, B paraphrased, C is not printed), ``checked_on``, ``source``.

    Examples
    --------
    >>> next(rule["article"] for rule in provisions() if rule["id"] == "cn-sz-ai-72-2-5")
    '第七十二条第二款第（五）项 / Art. 72(2)(5)'
    """
    return tuple(_read("provisions")["rules"])


def finding_kinds() -> Mapping[str, Text]:
    """Return the kinds of finding: id → what it is called, in zh and en.

    Examples
    --------
    >>> finding_kinds()["price.loyalty"]["en"]
    'returning customer pays more'
    """
    kinds: Mapping[str, Text] = _read("provisions")["finding_kinds"]
    return kinds


def defences() -> tuple[Mapping[str, Any], ...]:
    """Return the explanations that a vendor may give for a difference.

    Each has ``id``, ``name``, ``claim`` (what the vendor would say), ``ruled_out_by`` (``"twins"``:
    the same persona under another identity; ``"moment"``: asked at the same moment in random order;
    ``"condition"``: a condition of which the plan says that it decides this, held equal;
    ``"hypothesis"``: what came of one that a probe declares for it), ``concerns`` (the finding kinds where it can be said; empty means all), and the
    sentences ``ruled_out`` and ``open``.

    Examples
    --------
    >>> [defence["id"] for defence in defences()]
    ['random_trial', 'time_and_stock', 'new_customer_offer', 'cost', 'channel']
    """
    return tuple(_read("defences")["defences"])


def elements() -> Mapping[str, Mapping[str, Any]]:
    """Return what provisions consist of: id → ``name``, ``evidence`` and, where not tested, ``open``.

    `evidence` says what of an audit bears on it: ``"difference"``, ``"conditions"``, ``"item"``,
    ``"ground"``, ``"automated"``, ``"detriment"``, ``"defences"``, or ``"none"`` (no audit of this
    kind tests it).

    Examples
    --------
    >>> elements()["knowledge"]["evidence"]
    'none'
    """
    found: Mapping[str, Mapping[str, Any]] = _read("elements")["elements"]
    return found


def elements_of(provision: str) -> tuple[str, ...]:
    """Return the ids of the elements of a provision; of one not listed, the difference itself.

    Examples
    --------
    >>> elements_of("cn-cpl-reg-9")
    ('knowledge', 'same_item', 'equal_conditions', 'difference')
    """
    return tuple(_read("elements")["provisions"].get(provision, ["difference", "justification"]))


def procedures() -> Mapping[str, Mapping[str, Any]]:
    """Return how decisions are taken: id → ``name``, ``options``, and what its rules ask.

    Each option has ``id``, ``name`` and ``means``; without options the decision is free text.
    ``present`` (members at least), ``majority`` (fraction of those present), ``review_months`` (most)
    and ``deadline_days`` are there where a rule says so; ``source`` is the id of its provision.

    Examples
    --------
    >>> [option["id"] for option in procedures()["internal"]["options"]]
    ['launch', 'launch-after-changes', 'no-launch']
    """
    found: Mapping[str, Mapping[str, Any]] = _read("procedures")["procedures"]
    return found


LONG = 180
"""Days after which a provision that nobody looked at again is worth a look."""


def warnings(today: date) -> list[tuple[str, str]]:
    """Return what is worth a look in the map: (id of a provision, what).

    What: ``"expired"``, ``"not_yet"`` (not in force yet), ``"unchecked"`` (checked longer than
    :data:`LONG` days ago) or ``"unsure"`` (confidence C: never printed).

    Examples
    --------
    >>> ("cn-platform-price-15", "expired") in warnings(date(2032, 1, 1))
    True
    """
    found = []
    for rule in provisions():
        since, until, checked = (
            rule.get(key) for key in ("in_force_since", "expires", "checked_on")
        )
        what = {
            "expired": until is not None and until < today,
            "not_yet": rule["status"] in {"pending", "proposed"} or (since or today) > today,
            "unchecked": checked is not None and (today - checked).days > LONG,
            "unsure": rule["confidence"] == "C",
        }
        found += [(str(rule["id"]), name) for name, holds in what.items() if holds]
    return found


@cache
def _read(name: str) -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath(f"{name}.yaml").read_text("utf-8")
    # the C loader is ten times faster and is not in every build of PyYAML
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: Mapping[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 - both are safe loaders
    return found
