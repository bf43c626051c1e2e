"""The stays that a real hotel really sold: what was booked, not by whom."""

from __future__ import annotations

from ..personas import Table
from ..sources import hotel_bookings

_CONDITIONS = (
    "month",
    "weekend_nights",
    "week_nights",
    "room_type",
    "adults",
    "children",
    "meal",
    "lead_time",
)


def hotel_guests() -> Table:
    """Return the distinct stays of the real bookings, with how often each was booked.

    Columns ``month`` of arrival (1–12), ``weekend_nights``, ``week_nights``, ``room_type`` (A–H),
    ``adults``, ``children`` (babies included), ``meal`` (none, BB, HB, FB), ``lead_time`` in days,
    and ``weight``: the number of bookings. Conditions only; no guest is described.

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.
    EvidenceError
        If the data file is not the pinned one.

    Examples
    --------
    >>> stays = hotel_guests()
    >>> int(stays.columns["weight"].sum())
    15402
    """
    stays = hotel_bookings()[list(_CONDITIONS)]
    counted = stays.groupby(list(_CONDITIONS), sort=True).size().reset_index(name="weight")
    columns = {name: counted[name].to_numpy() for name in counted.columns}
    # plain fixed-width text: the type of a column does not depend on the data frame's library
    return Table(
        {
            name: column.astype(str) if column.dtype.kind not in "iuf" else column
            for name, column in columns.items()
        }
    )
