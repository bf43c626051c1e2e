"""Accounts of a pool are left alone for as long as the plan says, also by whoever resumes."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audit.harness import asked, in_loop, make_wave
from tests.audit.test_ask import Scripted, echo

from evenhand.audit.accounts import DAY, Accounts
from evenhand.audit.conduct import Turn
from evenhand.audit.gate import accounts_of
from evenhand.audit.journal import Journal
from evenhand.audit.plan import Identities, PerIdentity, Plan
from evenhand.audit.target.protocol import Reply, Request
from evenhand.errors import PausedError
from evenhand.probes.design import Wave, codes

ACCOUNTS = 4


def pooled(blocks: int) -> Wave:
    """Blocks whose trials are asked by the accounts of a small pool, in turn."""
    wave = make_wave(blocks)
    return Wave.of_single_trials(
        item=wave.item,
        block=wave.block,
        again=wave.again,
        identity=codes(np.arange(len(wave)) % ACCOUNTS),
        arm=wave.arm,
        persona=wave.persona,
    )


def test_between_two_questions_of_an_account_there_is_a_gap(tmp_path):
    when: list[tuple[int, float]] = []

    async def note(request: Request, _: int) -> Reply:
        when.append((request.first % ACCOUNTS, time.time()))
        return Reply(body=b"1", at=time.time())

    accounts = Accounts(gap=0.05, per_day=None, asked=[])
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(Scripted(note), journal, pooled(4), accounts=accounts))
    assert not seen.kind.any()
    for account in range(ACCOUNTS):
        moments = [moment for one, moment in when if one == account]
        assert len(moments) == 3
        # leaving is a moment after beginning: the gap is between the beginnings
        assert min(np.diff(moments)) > 0.04


def test_whoever_has_no_account_left_today_says_when_to_go_on(tmp_path):
    accounts = Accounts(gap=0, per_day=2, asked=[])
    target = Scripted(echo)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        with pytest.raises(PausedError) as told:
            in_loop(lambda: asked(target, journal, pooled(4), accounts=accounts))
        assert len(target.sent) == 2 * ACCOUNTS
    assert told.value.message_id == "errors.not_until"
    left = datetime.fromisoformat(told.value.values["until"]) - datetime.now(UTC)
    assert DAY - 60 < left.total_seconds() <= DAY


def test_what_is_on_file_counts(tmp_path):
    async def note(request: Request, _: int) -> Reply:
        return Reply(body=str(request.first).encode(), at=time.time())

    wave = pooled(2)
    limit = PerIdentity(per_day=2, gap=3600.0)
    parts: dict[str, Any] = {"identities": Identities(source="pool", per_identity=limit)}
    plan = Plan.model_construct(**parts)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        in_loop(lambda: asked(Scripted(note), journal, wave))
        found = accounts_of(plan, journal, [Turn(number=0, question="q", wave=wave)])
    assert found is not None
    # six trials by four accounts: two have asked twice
    rests = [found.rest(account) for account in range(ACCOUNTS)]
    assert all(DAY - 60 < rest <= DAY for rest in rests[:2])
    assert all(3500 < rest <= 3600 for rest in rests[2:])
    assert found.rest(ACCOUNTS) == 0


@given(
    st.floats(0, 100),
    st.integers(1, 4),
    st.lists(st.floats(0, 2 * DAY), min_size=1, max_size=30),
)
def test_no_account_is_ever_pressed_harder(gap, per_day, moments):
    now = [0.0]
    accounts = Accounts(gap=gap, per_day=per_day, asked=[], clock=lambda: now[0])
    begun: list[float] = []
    for moment in sorted(moments):
        now[0] = max(now[0], moment)
        if accounts.rest(1) == 0:
            accounts.begin(1)
            begun.append(now[0])
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(begun))
    assert all(sum(one <= two < one + DAY - 1e-6 for two in begun) <= per_day for one in begun)
