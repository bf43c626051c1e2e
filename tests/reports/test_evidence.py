"""Annex A: how the evidence was taken, told from the run folder or from a bundle by anybody."""

import json

import pytest
from tests.reports import samples

from evenhand.audit.taken import told
from evenhand.reports.blocks import blocks
from evenhand.reports.model import Facts

SAID = {
    "tool": {"evenhand": "0.1.0", "source_sha256": "ab" * 32, "python": "3.11.2"},
    "clock": {"answers": 11_395, "median_seconds": -2, "low_seconds": -3, "high_seconds": 41},
    "peer": {"host": "quotes.acme.example", "port": 443, "addresses": ["192.0.2.7"], "certificate_sha256": "cd" * 32},
    "steps": [{"step": "first answer", "at": 1_763_860_000_000_000}, {"step": "last answer", "at": 1_763_946_000_500_000}],
    "operator": "somebody",
}  # fmt: skip


def facts(language, taken):
    report = blocks(samples.record(), [], language, taken=taken)
    (annex,) = [section for section in report.sections if section.id == "sA"]
    (found,) = [block for block in annex.blocks if isinstance(block, Facts)]
    return {fact.name: fact.value for fact in found.facts}


def test_it_says_clock_host_certificate_and_source_in_both_languages():
    taken = told(json.dumps(SAID).encode())
    en, zh = facts("en", taken), facts("zh", taken)
    assert len(en) == len(zh)
    assert en["Clock"] == (
        "the vendor's clock was −2 s ahead of ours (median of 11,395 answers, −3 to 41 s;"
        " by its Date headers, whole seconds)"
    )
    for told_ in (en, zh):
        shown = " ".join(told_.values())
        for value in ("11,395", "quotes.acme.example", "192.0.2.7", "cd" * 32, "ab" * 32):
            assert value in shown
        assert "2025-11-23" in shown


def test_without_it_the_annex_says_that_nobody_looked():
    assert "holds no comparison" in facts("en", None)["Clock"]
    assert facts("en", {}) == facts("en", None)


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{", b'{"tool": 1}', json.dumps(SAID | {"clock": {"answers": "many"}}).encode(),
     json.dumps(SAID | {"peer": {"host": ["x"]}}).encode()],
)  # fmt: skip
def test_what_is_no_such_file_says_nothing(data):
    assert told(data) == {}


def test_a_hostile_host_is_text():
    bad = SAID | {"peer": {"host": samples.HOSTILE, "addresses": [samples.HOSTILE] * 9}}
    value = facts("en", told(json.dumps(bad).encode()))["Host and addresses reached"]
    assert "\x1b" not in value
    assert "\u202e" not in value
