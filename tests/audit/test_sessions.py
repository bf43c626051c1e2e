"""Sessions of several steps: asked in lock-step, told from step to step, begun again, released."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
from aiohttp import web
from tests.audit.harness import KEY, asked, http_spec, ids, in_loop, make_study, serving

from evenhand.audit.ask import observed
from evenhand.audit.journal import Journal
from evenhand.audit.limits import Pace
from evenhand.audit.plan import PythonTarget
from evenhand.audit.planhttp import HttpTarget
from evenhand.audit.sessions import Sessions, request_of
from evenhand.audit.tally import read
from evenhand.audit.target import open_target
from evenhand.audit.target.protocol import Answers, Target
from evenhand.errors import PausedError, UsageError
from evenhand.probes.design import ANSWERED, FAILED, REASONS, REFUSED, Observed, Wave, codes
from evenhand.probes.protocol import Study

STEPS = ("register", "view", "cart", "quote")
WALK = (0, 1, 1, 2, 3)


class Shop:
    """A shop with a memory: it gives each visitor a token, and a discount for each look."""

    def __init__(self) -> None:
        self.looks: Counter[str] = Counter()
        self.said: list[tuple[str, str]] = []
        self.holds: set[str] = set()
        self.released: list[str] = []
        self.orders: list[str] = []
        self.faults: Callable[[str, str], web.Response | None] = lambda _step, _who: None

    async def serve(self, request: web.Request) -> web.Response:
        step = request.path.strip("/")
        body = orjson.loads(await request.read() or b"{}")
        who = body.get("who") or request.headers.get("authorization", "").removeprefix("Bearer t-")
        self.said.append((step, who))
        fault = self.faults(step, who)
        if fault is not None:
            return fault
        return web.json_response(self.answer(step, who, body))

    def answer(self, step: str, who: str, body: Any) -> dict[str, Any]:
        if step == "view":
            self.looks[who] += 1
        if step == "cart":
            self.holds.add(who)
            return {"cart": f"c-{who}"}
        if step == "drop":
            self.holds.discard(body["cart"].removeprefix("c-"))
            self.released.append(body["cart"])
        if step == "buy":
            self.orders.append(who)
        return {"token": f"t-{who}", "price": {"final": 100.0 - self.looks[who]}}


def spec(url: str, **changes: Any) -> HttpTarget:
    bearer = {"authorization": "Bearer {{captured.token}}"}
    steps: dict[str, Any] = {
        "register": {
            "url": "/register",
            "request": {"who": "{{identity}}"},
            "capture": {"token": "$.token"},
        },
        "view": {"url": "/view", "headers": bearer},
        "cart": {
            "url": "/cart",
            "headers": bearer,
            "capture": {"cart": "$.cart"},
            "effect": "hold",
            "release": {"url": "/drop", "request": {"cart": "{{captured.cart}}"}},
        },
    }
    return http_spec(f"{url}/quote", request={}, headers=bearer, **({"steps": steps} | changes))


def study() -> Study:
    return make_study(steps=STEPS)


def walks(blocks: int, walk: tuple[int, ...] = WALK, *, identity: int = -1) -> Wave:
    """Blocks of two sessions that walk the same steps, one session after the other."""
    n, length = 2 * blocks, len(walk)
    return Wave(
        block=codes(np.repeat(np.arange(blocks), 2)),
        again=codes(np.full(n, -1)),
        identity=codes(np.full(n, -1) if identity < 0 else np.arange(n)),
        arm=codes(np.tile([0, 1], blocks)),
        persona=codes(np.zeros(n)),
        session=codes(np.repeat(np.arange(n), length)),
        step=codes(np.tile(walk, n)),
        item=codes(np.zeros(n * length)),
        stage=codes(np.zeros(n * length)),
    )


def opened(target: Any, asking: Study | None = None) -> Target:
    return open_target(target, asking or study(), identities=ids, key=KEY)


def walked(shop: Shop, journal: Journal, wave: Wave, **settings: Any) -> Observed:
    """Ask the wave of a shop that is really served."""
    changes = settings.pop("changes", {})
    asking = settings.pop("study", study())

    async def main() -> Observed:
        async with serving(shop.serve) as url:
            target = opened(spec(url, **changes), asking)
            try:
                options = {"limits": Pace(concurrency=8, attempts=3, backoff=0.001), **settings}
                return await asked(target, journal, wave, study=asking, **options)
            finally:
                await target.close()

    return in_loop(main)


def test_a_session_is_told_from_step_to_step_and_its_history_counts(tmp_path):
    shop, wave = Shop(), walks(6)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = walked(shop, journal, wave)
    assert (seen.kind == ANSWERED).all()
    quotes = seen.values["final"][wave.step == 3]
    assert quotes.tolist() == [98.0] * 12
    assert np.isnan(seen.values["final"][wave.step < 3]).all()
    by_who = {who: [step for step, one in shop.said if one == who] for _, who in shop.said if who}
    assert set(map(tuple, by_who.values())) == {("register", "view", "view", "cart", "quote")}
    assert len(by_who) == 12


def test_the_steps_of_a_block_go_side_by_side(tmp_path):
    shop, wave = Shop(), walks(8)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        walked(shop, journal, wave)
    places: dict[str, list[int]] = {}
    for when, (_, who) in enumerate(shop.said):
        places.setdefault(who, []).append(when)
    for block in range(8):
        one, other = places[f"u0-{2 * block}"], places[f"u0-{2 * block + 1}"]
        for rank in range(4):
            assert max(one[rank], other[rank]) < min(one[rank + 1], other[rank + 1])


def test_what_was_sent_is_rendered_again_from_the_file(tmp_path):
    shop, wave = Shop(), walks(3)
    shop.faults = once_a_step("quote", "view")
    with Journal.create(tmp_path / "j.sqlite") as journal:
        walked(shop, journal, wave)
        target = opened(spec("http://127.0.0.1:1"))
        sessions, again = Sessions(wave), 0
        for call, reply in journal.calls(0):
            request = request_of(target, study(), wave, call, sessions)
            assert request.sha256() == call.request_sha256
            assert reply is not None
            said = read(target, wave, call, reply)
            sessions.heard(call.first, said, replied=bool(reply.status))
            again += call.attempt > 1
    assert again > 0


def once_a_step(*steps: str) -> Callable[[str, str], web.Response | None]:
    """Fail the first call of each visitor at these steps, by a reply that says so."""
    met: set[tuple[str, str]] = set()

    def fault(step: str, who: str) -> web.Response | None:
        if step in steps and (step, who) not in met:
            met.add((step, who))
            return web.Response(status=503)
        return None

    return fault


def test_a_step_is_asked_again_where_the_vendor_says_that_nothing_was_done(tmp_path):
    shop, wave = Shop(), walks(3)
    shop.faults = once_a_step("view")
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = walked(shop, journal, wave)
    assert (seen.values["final"][wave.step == 3] == 98.0).all()
    assert len({who for step, who in shop.said if step == "register"}) == 6


class Resets(Shop):
    """It cuts the connection at a step, so that nobody knows what was done."""

    def __init__(self, *steps: str, times: int = 1) -> None:
        super().__init__()
        self.steps, self.left = steps, times

    async def serve(self, request: web.Request) -> web.Response:
        if request.path.strip("/") in self.steps and self.left:
            self.left -= 1
            await request.read()
            assert request.transport is not None
            request.transport.abort()
        return await super().serve(request)


def test_where_nobody_knows_what_was_done_another_identity_begins_again(tmp_path):
    shop, wave = Resets("view", times=2), walks(4)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = walked(shop, journal, wave)
        again = [call for call, _ in journal.replies(0) if call.attempt == 1]
    assert (seen.kind == ANSWERED).all()
    assert (seen.values["final"][wave.step == 3] == 98.0).all()
    whos = {who for step, who in shop.said if step == "register"}
    assert sum("again" in who for who in whos) == 2
    assert len(again) > len(wave)


def test_a_session_that_comes_to_nothing_fails_as_a_whole(tmp_path):
    shop, wave = Shop(), walks(4)
    shop.faults = lambda step, who: (
        web.Response(status=404) if step == "view" and who == "u0-3" else None
    )
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = walked(shop, journal, wave)
        assert journal.unfinished(0, len(wave)) == []
        assert journal.attempts() == 8 * 5 - 3
    failed = seen.kind.reshape(8, 5)[3]
    assert failed.tolist() == [ANSWERED, FAILED, FAILED, FAILED, FAILED]
    assert {REASONS[code] for code in seen.reason.reshape(8, 5)[3][1:]} == {"format"}
    assert (np.delete(seen.kind.reshape(8, 5), 3, axis=0) == ANSWERED).all()


def test_who_is_refused_on_the_way_gets_no_quote_and_is_refused(tmp_path):
    shop, wave = Shop(), walks(2)
    shop.faults = lambda step, who: (
        web.Response(status=409) if step == "cart" and who == "u0-0" else None
    )
    changes = spec("http://127.0.0.1:1").model_dump()["steps"]
    changes["cart"]["response"] = {"statuses": {409: "refused"}}
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = walked(shop, journal, wave, changes={"steps": changes})
    assert seen.kind.reshape(4, 5)[0].tolist() == [0, 0, 0, REFUSED, REFUSED]
    assert "u0-0" not in {who for step, who in shop.said if step == "quote"}


def test_an_account_of_a_pool_is_never_replaced(tmp_path):
    from evenhand.datasets.personas import Table

    asking = make_study(
        steps=STEPS, identities=Table({"id": np.array([f"acc{n}" for n in range(8)])})
    )
    shop, wave = Resets("view"), walks(4, identity=0)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = walked(shop, journal, wave, study=asking)
    kinds = seen.kind.reshape(8, 5)
    assert (kinds[:, 1:] == FAILED).all(axis=1).sum() == 1
    assert {who for step, who in shop.said if step != "drop"} <= {f"acc{n}" for n in range(8)}
    registered = Counter(who for step, who in shop.said if step == "register")
    assert set(registered.values()) == {1}


def test_what_is_held_is_released_when_the_session_is_over(tmp_path):
    shop, wave = Shop(), walks(5)
    with Journal.create(tmp_path / "j.sqlite") as journal:
        walked(shop, journal, wave)
        assert not shop.holds
        assert sorted(Counter(shop.released).values()) == [1] * 10
        assert journal.load()["releases_sent"] == 10
        assert journal.load()["holds_left"] == 0
    last = max(when for when, (step, _) in enumerate(shop.said) if step == "quote")
    assert any(step == "drop" for step, _ in shop.said[:last])


def test_a_release_that_fails_is_tried_again_and_told(tmp_path):
    shop, wave = Shop(), walks(1)
    left = [1]

    def fault(step: str, _: str) -> web.Response | None:
        if step == "drop" and left[0]:
            left[0] -= 1
            return web.Response(status=500)
        return None

    shop.faults = fault
    with Journal.create(tmp_path / "j.sqlite") as journal:
        walked(shop, journal, wave)
        assert journal.load()["releases_sent"] == 3
    assert not shop.holds


@pytest.mark.parametrize("stop_at", ["register", "view", "cart", "quote"])
def test_a_run_that_is_stopped_leaves_nothing_held_and_goes_on_under_other_identities(
    tmp_path, stop_at
):
    shop, wave, stop = Shop(), walks(12), asyncio.Event()

    def halt(step: str, _: str) -> None:
        if step == stop_at:
            stop.set()

    shop.faults = halt
    with Journal.create(tmp_path / "j.sqlite") as journal:
        with pytest.raises(PausedError):
            walked(shop, journal, wave, stop=stop, limits=Pace(concurrency=1))
        assert not shop.holds
        before = {call.first for call, _ in journal.replies(0)}
        shop.faults = lambda _step, _who: None
        seen = walked(shop, journal, wave)
    assert before
    assert (seen.kind == ANSWERED).all()
    assert (seen.values["final"][wave.step == 3] == 98.0).all()
    assert not shop.holds
    quotes = Counter(who for step, who in shop.said if step == "quote")
    assert set(quotes.values()) == {1}


def test_what_was_held_when_the_process_died_is_released_by_the_next(tmp_path):
    shop, wave = Shop(), walks(2)

    class Died(BaseException):
        pass

    async def dying() -> None:
        async with serving(shop.serve) as url:
            target = opened(spec(url))
            send = target.send

            async def until_cart(request: Any) -> Any:
                if "quote" in request.route:
                    raise Died
                return await send(request)

            target.send = until_cart  # type: ignore[method-assign]
            try:
                await asked(target, journal, wave, study=study())
            finally:
                await target.close()

    with Journal.create(tmp_path / "j.sqlite") as journal:
        with pytest.raises(Died):
            in_loop(dying)
        assert shop.holds
        held = {f"c-{who}" for who in shop.holds}
        seen = walked(shop, journal, wave)
        assert journal.load()["holds_left"] == 0
    assert held <= set(shop.released)
    assert not shop.holds
    assert (seen.kind == ANSWERED).all()


def with_an_order(url: str) -> dict[str, Any]:
    steps = spec(url).model_dump()["steps"]
    steps["buy"] = {
        "url": "/buy",
        "headers": {"authorization": "Bearer {{captured.token}}"},
        "effect": "order",
    }
    return {"steps": steps}


ORDERING = ("register", "view", "cart", "buy", "quote")


def test_no_more_is_ordered_than_is_permitted(tmp_path):
    shop, wave = Shop(), walks(4, (0, 3, 4))
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = walked(
            shop,
            journal,
            wave,
            changes=with_an_order("http://127.0.0.1:1"),
            study=make_study(steps=ORDERING),
            orders_left=3,
        )
        again = walked(
            shop,
            journal,
            wave,
            changes=with_an_order("http://127.0.0.1:1"),
            study=make_study(steps=ORDERING),
            orders_left=3,
        )
    assert len(shop.orders) == 3
    kinds = seen.kind.reshape(8, 3)
    assert (kinds[:, 2] == ANSWERED).sum() == 3
    assert {REASONS[code] for code in seen.reason[seen.kind == FAILED]} == {"ceiling"}
    np.testing.assert_array_equal(seen.kind, again.kind)


@pytest.mark.parametrize("status", [0, 429, 503])
def test_an_order_is_sent_once_whatever_comes_of_it(tmp_path, status):
    shop: Shop = Resets("buy", times=99) if status == 0 else Shop()
    if status:
        shop.faults = lambda step, _: web.Response(status=status) if step == "buy" else None
    wave = walks(1, (0, 3, 4))
    with Journal.create(tmp_path / "j.sqlite") as journal:
        # somebody else was answered meanwhile, so nobody takes the vendor to be away
        seen = walked(
            shop,
            journal,
            wave,
            changes=with_an_order("http://127.0.0.1:1"),
            study=make_study(steps=ORDERING),
            orders_left=9,
        )
        sent = Counter(journal.sent(0))
    assert (seen.kind.reshape(2, 3)[:, 1:] == FAILED).all()
    assert sent[1] == sent[4] == 1


def test_a_function_is_told_its_step_and_remembers(tmp_path):
    wave = walks(3, (0, 1, 1, 2))
    asking = make_study(steps=("register", "view", "quote"))
    target = opened(
        PythonTarget(kind="python", function=f"{__name__}:remembers", table=False), asking
    )
    with Journal.create(tmp_path / "j.sqlite") as journal:
        seen = in_loop(lambda: asked(target, journal, wave, study=asking))
        in_loop(target.close)
    assert seen.values["final"][wave.step == 2].tolist() == [98.0] * 6
    assert np.isnan(seen.values["final"][wave.step == 1]).all()


LOOKS: Counter[str] = Counter()


def remembers(row: dict[str, Any]) -> float | None:
    if row["step"] == "view":
        LOOKS[row["identity"]] += 1
    return 100.0 - LOOKS[row["identity"]] if row["step"] == "quote" else None


def test_a_target_without_steps_says_so(tmp_path):
    class Plain:
        batch = 1

    with Journal.create(tmp_path / "j.sqlite") as journal, pytest.raises(UsageError) as told:
        in_loop(lambda: asked(Plain(), journal, walks(1)))  # type: ignore[arg-type]
    assert told.value.message_id == "target.no_sessions"


def said(kind: int, reason: str = "", *, retry: bool = False) -> Answers:
    return Answers(
        kind=np.array([kind], dtype=np.int8),
        reason=np.array([REASONS.index(reason)], dtype=np.int8),
        values={},
        retry=retry,
    )


@pytest.mark.parametrize(
    ("effect", "answer", "replied", "follows"),
    [
        ("none", said(ANSWERED), True, "on"),
        ("none", said(REFUSED), True, "end"),
        ("none", said(FAILED, "auth"), True, "end"),
        ("none", said(FAILED, "network", retry=True), True, "again"),
        ("hold", said(FAILED, "rate", retry=True), True, "again"),
        ("none", said(FAILED, "network", retry=True), False, "anew"),
        ("hold", said(FAILED, "network", retry=True), False, "anew"),
        ("order", said(FAILED, "network", retry=True), False, "end"),
        ("order", said(FAILED, "rate", retry=True), True, "end"),
        ("order", said(ANSWERED), True, "on"),
    ],
)
def test_what_follows_a_reply(effect, answer, replied, follows):
    sessions = Sessions(walks(1, (0, 0)), (effect,))
    sessions.began(0, 1)
    sessions.heard(0, answer, replied=replied)
    assert sessions.follows(0, answer, replied=replied, attempts=4) == follows


def test_a_file_of_a_stopped_run_is_incomplete(tmp_path):
    shop, wave, stop = Shop(), walks(2), asyncio.Event()
    stop.set()
    with Journal.create(tmp_path / "j.sqlite") as journal:
        with pytest.raises(PausedError):
            walked(shop, journal, wave, stop=stop)
        with pytest.raises(Exception, match="20"):
            observed(journal, opened(spec("http://127.0.0.1:1")), 0, wave)
