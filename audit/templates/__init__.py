"""Plans to begin with: ``evenhand init --template NAME`` writes one, with reasons beside its lines.

One template a module; what they share is in ``parts``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ... import messages
from ...errors import UsageError
from ..planshape import listed, near, shown
from . import field, hotel, insurance, own_model, recommender, ride
from .parts import Parts, Said, Why

_TEMPLATES: Mapping[str, Parts] = {
    "own-model": own_model.PARTS,
    "hotel": hotel.PARTS,
    "ride": ride.PARTS,
    "insurance": insurance.PARTS,
    "recommender": recommender.PARTS,
    "field": field.PARTS,
}
_PLAIN = frozenset({"vendor", "commissioned_by", "paid_by", "conflicts"})
"""Keys of a plan that hold one text, in the language of the plan."""


def names() -> tuple[str, ...]:
    """Return the names of all templates.

    Examples
    --------
    >>> names()
    ('own-model', 'hotel', 'ride', 'insurance', 'recommender', 'field')
    """
    return tuple(_TEMPLATES)


def template(name: str, language: str) -> str:
    """Return a plan without mistakes, with comments in `language` that say why.

    Raises
    ------
    UsageError
        If there is no template of that name.

    Examples
    --------
    >>> "function: my_model:price" in template("own-model", "zh")
    True
    """
    if name not in _TEMPLATES:
        known = listed(_TEMPLATES)
        raise UsageError(
            "templates.unknown", name=shown(name), known=known, near=near(name, _TEMPLATES)
        )
    return "".join(_written(part, language) for part in _TEMPLATES[name])


def _written(part: Why | Said | str, language: str) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Why):
        rows = messages.text(part.message_id, language).splitlines()
        return "".join(f"{' ' * part.indent}# {row}\n" for row in rows)
    if part.key.strip() in _PLAIN:
        return f"{part.key}: {_quoted(messages.text(part.message_id, language))}\n"
    sides = [
        f"{part.key}:\n",
        *(
            f"{' ' * (len(part.key) - len(part.key.lstrip()) + 2)}{side}: {_quoted(sentence)}\n"
            for side, sentence in messages.both(part.message_id).items()
        ),
    ]
    return "".join(sides)


def _quoted(text: str) -> str:
    # a JSON string is a YAML string
    return json.dumps(text, ensure_ascii=False)
