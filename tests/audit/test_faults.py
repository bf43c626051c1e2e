"""Every fault of a server at once: nothing lost, nothing twice, refused and failed told apart."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from aiohttp import web
from tests.audit.faults import LASTING, Faulty, fault_of, price
from tests.audit.harness import asked, http_spec, ids, in_loop, make_wave, opened, serving
from tests.cli.shell import LIMITS, PEOPLE, PLAN, REQUEST

from evenhand.audit.journal import Journal
from evenhand.audit.limits import Pace
from evenhand.audit.planfile import parse
from evenhand.audit.run import begin, prepare, run
from evenhand.audit.tally import read
from evenhand.probes.design import ANSWERED, FAILED, REASONS, REFUSED, Observed

BLOCKS = 200
REASON = {
    "huge": "format",
    "wrong_type": "format",
    "currency": "format",
    "redirect": "blocked",
    "error_page": "blocked",
    "captcha": "blocked",
}
RESPONSE = {
    "final": "$.price",
    "currency": "$.currency",
    "refused": {"path": "$.status", "equals": "sold_out"},
}


def spec(url: str, **limits: Any) -> Any:
    asking = {"id": "{{identity}}", "device": "{{persona.device}}", "age": "{{persona.age}}"}
    bounded = {"timeout": 0.4, "body_bytes": 100_000} | limits
    return http_spec(url + "/quote", request=asking, response=RESPONSE, limits=bounded)


def expected(who: str) -> tuple[int, str]:
    """What must become of an account's question, by the vendor's own law."""
    lasting = fault_of(who, LASTING)
    if lasting is None:
        return ANSWERED, ""
    return (REFUSED, "") if lasting == "sold_out" else (FAILED, REASON[lasting])


def test_every_answer_is_on_file_once_and_everything_is_what_it_is(tmp_path):
    vendor, wave = Faulty(), make_wave(BLOCKS)

    async def main() -> Observed:
        async with serving(vendor.serve) as url:
            target = opened(spec(url))
            pace = Pace(concurrency=48, attempts=4, backoff=0.02)
            try:
                return await asked(target, journal, wave, limits=pace)
            finally:
                await target.close()

    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(main)
        calls = list(journal.replies(0))
        attempts = journal.attempts()
    names = ids(0, np.arange(len(wave)))
    said = [(int(kind), REASONS[why]) for kind, why in zip(seen.kind, seen.reason, strict=True)]
    assert said == [expected(who) for who in names]
    assert len(set(said)) == len(set(REASON.values())) + 2
    # every price is on file once, as it was given; one that came too late was given once more
    ages = np.array([30, 40, 50])[wave.persona]
    law = [price({"id": who, "age": age}) for who, age in zip(names, ages, strict=True)]
    answered = seen.kind == ANSWERED
    np.testing.assert_array_equal(seen.values["final"][answered], np.array(law)[answered])
    reader = opened(spec("http://127.0.0.1:1"))
    priced = Counter(
        call.first for call, reply in calls if read(reader, wave, call, reply).kind[0] == ANSWERED
    )
    assert priced == dict.fromkeys(np.flatnonzero(answered).tolist(), 1)
    assert set(vendor.given) == {who for who, kind in zip(names, answered, strict=True) if kind}
    assert attempts == len(calls) == vendor.asked.total()
    assert max(len(reply.body) for _, reply in calls) <= 100_000


def test_a_vendor_who_restarts_half_way_loses_nothing(tmp_path):
    wave, answered = make_wave(60), Counter[str]()

    async def main() -> Observed:
        up = asyncio.Event()
        up.set()

        async def quote(request: web.Request) -> web.Response:
            row = orjson.loads(await request.read())
            if not up.is_set():
                assert request.transport is not None
                request.transport.abort()
            if answered.total() == 80 and up.is_set():
                up.clear()
                asyncio.get_running_loop().call_later(0.15, up.set)
            answered[row["id"]] += 1
            return web.json_response({"price": 5.0, "currency": "CNY"})

        async with serving(quote) as url:
            target = opened(spec(url))
            pace = Pace(concurrency=4, attempts=8, backoff=0.05)
            try:
                return await asked(target, journal, wave, limits=pace)
            finally:
                await target.close()

    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(main)
    assert not seen.kind.any()
    assert (seen.values["final"] == 5.0).all()


@pytest.fixture
def audited(tmp_path: Path) -> Callable[[Faulty], Any]:
    """Audit a vendor with faults by a whole plan, and return the content of its record."""

    def audit(vendor: Faulty) -> Any:
        async def main() -> Any:
            async with serving(vendor.serve) as url:
                target = f"""\
  kind: http
  url: {url}/quote
  request: {REQUEST}
  response: {{final: $.price, currency: $.currency, refused: {{path: $.status, equals: sold_out}}}}
  limits: {LIMITS.replace("2s", "400ms").replace("8", "32")}"""
                settings = {
                    "target": target,
                    "unit": "yuan",
                    "identities": "{source: fresh}",
                    "attributes": "",
                    "items": "",
                    "treat": "[device]",
                    "session": "[]",
                    "controls": "{}",
                    "queries": 420,
                }
                (tmp_path / "people.csv").write_text(PEOPLE, "utf-8")
                prepared = prepare(parse(PLAN % settings, tmp_path / "plan.yaml"))
                folder = begin(prepared, tmp_path / "run")
                await asyncio.to_thread(run, replace(prepared), folder)
                return folder.read_record().content

        return in_loop(main)

    return audit


def test_a_fair_vendor_with_every_fault_is_not_accused_and_its_counts_add_up(audited):
    vendor = Faulty()
    content = audited(vendor)
    counts = content.counts
    assert counts.answered + counts.refused + counts.failed == counts.planned
    assert counts.refused > 0
    assert set(counts.reasons) <= {"format", "blocked", "network"}
    assert vendor.given.total() >= counts.answered
    assert [finding.verdict for finding in content.findings] != ["established"]
    access = [check for check in content.controls if check.kind == "access"]
    assert all(check.passed for check in access)


def test_accounts_that_are_blocked_unequally_are_a_matter_of_access_and_no_accusation(audited):
    content = audited(Faulty(blocked=0.6))
    assert [finding.verdict for finding in content.findings] == ["inconclusive"]
    (access,) = [check for check in content.controls if check.kind == "access"]
    assert not access.passed
