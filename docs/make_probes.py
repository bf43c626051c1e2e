"""Write into the page of each probe what its card says of it, and the list of all probes.

``python docs/make_probes.py`` renews the part between the marks in ``docs/probes/NAME.md`` and
``NAME.zh.md``, makes a page where a probe has none, and writes ``docs/probes/index.md`` and the
tables of ``docs/suite.md``. What stands outside of the marks is written by hand.
"""  # noqa: INP001 - a script

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from evenhand.probes import registry
from evenhand.probes.protocol import Card

FOLDER = Path(__file__).parent / "probes"
LANGUAGES = {"en": ".md", "zh": ".zh.md"}
BEGIN, END = "<!-- card: written by docs/make_probes.py -->", "<!-- /card -->"
OTHER = {"en": "中文", "zh": "English"}
HEADS: Mapping[str, Mapping[str, str]] = {
    "index": {"en": "Probes", "zh": "检查项目"},
    "probe": {"en": "probe", "zh": "检查项目"},
    "asks": {"en": "question", "zh": "问题"},
    "roles": {"en": "treats attributes that are", "zh": "可变动的特征角色"},
    "needs": {"en": "needs of the target", "zh": "目标须提供"},
    "outcomes": {"en": "compares (unit of the effect)", "zh": "比较什么（差异幅度的单位）"},
    "tolerance": {"en": "limits", "zh": "判定界限"},
    "direction": {"en": "differences that count", "zh": "计入哪个方向"},
    "kinds": {"en": "kinds of finding", "zh": "结论的种类"},
    "null": {"en": "null hypothesis", "zh": "原假设"},
    "guarantee": {"en": "guarantee", "zh": "保证"},
    "cost": {"en": "cost", "zh": "询价次数"},
    "options": {"en": "settings under `options`", "zh": "`options` 中的设置"},
}
SAID: Mapping[str, Mapping[str, str]] = {
    "none": {"en": "–", "zh": "–"},
    "own": {"en": "that of the attribute", "zh": "同该特征"},
    "any": {
        "en": "in either direction, unless the plan says `harm`",
        "zh": "两个方向；方案可写 `harm`",
    },
    "harm": {
        "en": "only what is worse for the customer, unless the plan says `any`",
        "zh": "只计对用户不利的；方案可写 `any`",
    },
}


def card_table(card: Card, language: str) -> str:
    """Return what a card says, as the marked part of a page."""
    rows = {
        "asks": card.question[language],
        "roles": _codes(sorted(card.roles)),
        "needs": _codes(sorted(card.needs)),
        "outcomes": ", ".join(f"`{name}` ({unit})" for name, unit in card.outcomes.items()),
        "tolerance": _codes(sorted(card.tolerance)),
        "direction": SAID[card.direction][language] if card.roles else "",
        "kinds": _codes(sorted(card.finding_kinds)) or SAID["own"][language],
        "null": card.null[language],
        "guarantee": f"`{card.guarantee}`",
        "cost": card.cost[language],
        "options": "<br>".join(
            f"`{name}`: {said[language]}" for name, said in sorted(card.options.items())
        ),
    }
    lines = [
        f"| {HEADS[name][language]} | {told.replace('|', '/') or SAID['none'][language]} |"
        for name, told in rows.items()
    ]
    return "\n".join([BEGIN, "", "| | |", "|---|---|", *lines, "", END])


def _codes(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def page(card: Card, language: str, now: str) -> str:
    """Return a page with its marked part renewed; a new page where there was none."""
    table = card_table(card, language)
    if now:
        marked = re.escape(BEGIN) + ".*?" + re.escape(END)
        return re.sub(marked, lambda _: table, now, flags=re.DOTALL)
    aim = f"{card.name}{LANGUAGES['zh' if language == 'en' else 'en']}"
    return f"# {card.name}\n\n[{OTHER[language]}]({aim})\n\n{table}\n"


def index(cards: list[Card], language: str) -> str:
    """Return the list of all probes."""
    aim = f"index{LANGUAGES['zh' if language == 'en' else 'en']}"
    head = f"| {HEADS['probe'][language]} | {HEADS['asks'][language]} |"
    rows = [
        f"| [{card.name}]({card.name}{LANGUAGES[language]}) | {card.question[language]} |"
        for card in cards
    ]
    title = f"# {HEADS['index'][language]}\n\n[{OTHER[language]}]({aim})\n\n"
    return title + "\n".join([head, "|---|---|", *rows]) + "\n"


def suite(cards: list[Card], language: str, now: str) -> str:
    """Return the overview with its tables renewed: what each family needs, compares and costs."""
    families = dict.fromkeys(card.name.partition(".")[0] for card in cards)
    columns = ("probe", "needs", "outcomes", "guarantee", "cost")
    head = "| " + " | ".join(HEADS[name][language] for name in columns) + " |"
    lines = [BEGIN]
    for family in families:
        lines += ["", f"**{family}**", "", head, "|" + "---|" * len(columns)]
        lines += [
            f"| [{card.name}](probes/{card.name}{LANGUAGES[language]}) "
            f"| {_codes(sorted(card.needs)) or SAID['none'][language]} "
            f"| {_codes(list(card.outcomes))} | `{card.guarantee}` | {card.cost[language]} |"
            for card in cards
            if card.name.partition(".")[0] == family
        ]
    table = "\n".join([*lines, "", END])
    marked = re.escape(BEGIN) + ".*?" + re.escape(END)
    return re.sub(marked, lambda _: table, now, flags=re.DOTALL)


def pages() -> dict[Path, str]:
    """Return every page as it should be."""
    cards = [registry.card(name) for name in registry.names()]
    made: dict[Path, str] = {}
    for language, ending in LANGUAGES.items():
        for card in cards:
            path = FOLDER / f"{card.name}{ending}"
            made[path] = page(card, language, path.read_text("utf-8") if path.is_file() else "")
        made[FOLDER / f"index{ending}"] = index(cards, language)
        overview = FOLDER.parent / f"suite{ending}"
        made[overview] = suite(cards, language, overview.read_text("utf-8"))
    return made


def main() -> None:
    """Write what has changed."""
    FOLDER.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
