"""Settings of a plan's entry, read with what they must be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UsageError


class Options:
    """The ``options`` of one entry of a plan.

    Examples
    --------
    >>> own = Options("pricing.twins", {"ladder": True, "basket": 24})
    >>> own.flag("ladder"), own.flag("crossover"), own.number("basket")
    (True, False, 24.0)
    """

    def __init__(self, probe: str, given: Mapping[str, Any]) -> None:
        self._probe, self._given = probe, given

    def flag(self, name: str) -> bool:
        """Return a setting that is true or false; false where it is not given."""
        value = self._given.get(name, False)
        if not isinstance(value, bool):
            raise self._refusal("options.need_flag", name, value)
        return value

    def number(self, name: str) -> float:
        """Return a positive number; 0 where it is not given."""
        value = self._given.get(name)
        if value is None:
            return 0.0
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise self._refusal("options.need_number", name, value)
        return float(value)

    def count(self, name: str, usual: int) -> int:
        """Return a whole number of two or more; the usual one where it is not given."""
        value = self._given.get(name, usual)
        if isinstance(value, bool) or not isinstance(value, int) or value < 2:  # noqa: PLR2004 - fewer compare nothing
            raise self._refusal("options.need_count", name, value)
        return value

    def one_of(self, name: str, known: Sequence[str]) -> str | None:
        """Return one of the known words; None where it is not given."""
        value = self._given.get(name)
        if value is not None and value not in known:
            raise self._refusal("options.need_one_of", name, value, known=", ".join(known))
        return None if value is None else str(value)

    def words(self, name: str, known: Sequence[str]) -> tuple[str, ...]:
        """Return several of the known words; all of them where it is not given."""
        value = self._given.get(name, list(known))
        if not isinstance(value, list | tuple) or not value or not set(value) <= set(known):
            raise self._refusal("options.need_words", name, value, known=", ".join(known))
        return tuple(word for word in known if word in value)

    def names(self, name: str) -> tuple[str, ...]:
        """Return names that nobody knows beforehand; none where it is not given."""
        value = self._given.get(name, [])
        if not isinstance(value, list | tuple) or any(
            isinstance(one, Mapping | list | tuple) for one in value
        ):
            raise self._refusal("options.need_names", name, value)
        return tuple(map(str, value))

    def paths(self, name: str) -> Mapping[str, tuple[str, ...]]:
        """Return paths by name, steps in order; none where it is not given."""
        value = self._given.get(name, {})
        good = isinstance(value, Mapping) and all(
            isinstance(path, list | tuple) and path and all(isinstance(step, str) for step in path)
            for path in value.values()
        )
        if not good:
            raise self._refusal("options.need_paths", name, value)
        return {str(label): tuple(path) for label, path in value.items()}

    def pairs(self, name: str, known: Sequence[str]) -> tuple[tuple[str, str], ...]:
        """Return pairs of different known words; none where it is not given."""
        value = self._given.get(name, [])
        good = isinstance(value, list | tuple) and all(
            isinstance(pair, list | tuple)
            and len(pair) == 2  # noqa: PLR2004 - two make a pair
            and pair[0] != pair[1]
            and set(pair) <= set(known)
            for pair in value
        )
        if not good:
            raise self._refusal("options.need_pairs", name, value, known=", ".join(known))
        return tuple((str(first), str(second)) for first, second in value)

    def amounts(self, name: str) -> Mapping[str, float]:
        """Return a number for each level, by the level as a text; empty where it is not given."""
        value = self._given.get(name, {})
        if not isinstance(value, Mapping) or not all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in value.values()
        ):
            raise self._refusal("options.need_amounts", name, value)
        return {str(level): float(amount) for level, amount in value.items()}

    def _refusal(self, message: str, name: str, got: Any, **values: Any) -> UsageError:
        return UsageError(message, probe=self._probe, option=name, got=str(got), **values)
