"""``evenhand rules``: the provisions that findings may bear on, and what is worth a look in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ..datasets import rules
from ..errors import UsageError
from ..messages import language, text
from . import view

ACTIONS = ("list", "show", "check")
WHAT = {
    "expired": "rules.expired",
    "not_yet": "rules.not_yet",
    "unchecked": "rules.unchecked",
    "unsure": "rules.unsure",
}


def show(action: str, name: str, *, json_: bool) -> None:
    """Print the list, one provision, or what is worth a look.

    Raises
    ------
    UsageError
        If no provision is named, or there is none of that name.
    """
    if action == "check":
        _check(json_=json_)
        return
    chosen = [_named(name)] if action == "show" else list(rules.provisions())
    if json_:
        view.out(json.dumps(chosen, ensure_ascii=False, indent=1, default=str))
        return
    for rule in chosen:
        for line in _whole(rule) if action == "show" else [_line(rule)]:
            view.out(line)


def _named(name: str) -> Mapping[str, Any]:
    if not name:
        raise UsageError("rules.name_it")
    found = next((rule for rule in rules.provisions() if rule["id"] == name), None)
    if found is None:
        raise UsageError("rules.no_such", id=name)
    return found


def _line(rule: Mapping[str, Any]) -> str:
    chosen = language()
    return text(
        "rules.line",
        id=rule["id"],
        jurisdiction=rule["jurisdiction"],
        name=f"{rule['instrument'][chosen]} {_article(rule)}",
        status=rule["status"],
        checked=rule.get("checked_on") or "–",
    )


def _article(rule: Mapping[str, Any]) -> str:
    zh, _, en = str(rule["article"]).partition(" / ")
    return zh if language() == "zh" or not en else en


def _whole(rule: Mapping[str, Any]) -> Iterable[str]:
    chosen = language()
    yield _line(rule)
    if rule["confidence"] == "C":
        yield text("rules.unprinted")
    quote = rule.get("quote_zh") if rule["confidence"] == "A" and chosen == "zh" else None
    yield str(quote or rule["paraphrase"][chosen])
    kinds = rules.finding_kinds()
    names = [kinds[kind][chosen] for kind in rule["bears_on"].get("direct", ())]
    if names:
        yield text("rules.bears_on", kinds=("、" if chosen == "zh" else ", ").join(names))
        known = rules.elements()
        for element in rules.elements_of(str(rule["id"])):
            yield text("rules.element", name=known[element]["name"][chosen])
    yield text("rules.source", source=rule.get("source") or "–")


def _check(*, json_: bool) -> None:
    found = rules.warnings(datetime.now(UTC).date())
    if json_:
        view.out(json.dumps([{"id": id_, "what": what} for id_, what in found]))
        return
    for id_, what in found:
        view.out(text("rules.warning", id=id_, what=text(WHAT[what])))
    if not found:
        view.out(text("rules.none"))
