from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import orjson
import pytest
from aiohttp import web
from tests.audit.harness import KEY, asked, ids, in_loop, make_study, make_wave, opened, serving

from evenhand.audit.journal import Journal
from evenhand.audit.planmachines import KserveTarget, MlflowTarget, OpenInferenceTarget
from evenhand.audit.target import address, carried, open_target
from evenhand.audit.target.protocol import Reply, Request
from evenhand.errors import PausedError, UsageError
from evenhand.probes.design import ANSWERED, FAILED, REASONS

REQUEST = {"device": "{{persona.device}}", "age": "{{persona.age}}", "base": "{{item.base}}"}
NUMBERS = {"age": "{{persona.age}}", "base": "{{item.base}}"}
AGES = np.array([30, 40, 50])
MADE: dict[str, Any] = {
    "mlflow": lambda url, **more: MlflowTarget(
        **({"kind": "mlflow", "url": f"{url}/invocations", "request": REQUEST} | more)
    ),
    "open-inference": lambda url, **more: OpenInferenceTarget(
        **({"kind": "open-inference", "url": f"{url}/v2/models/m/infer", "request": REQUEST} | more)
    ),
    "kserve-v1": lambda url, **more: KserveTarget(
        **({"kind": "kserve-v1", "url": f"{url}/v1/models/m:predict", "request": REQUEST} | more)
    ),
}


def expected(blocks: int = 20) -> Any:
    wave = make_wave(blocks)
    return np.array([100.0, 200.0])[wave.item] + AGES[wave.persona] + (wave.arm == 2)


def price(row: dict[str, Any]) -> float:
    return float(row["base"] + row["age"] + (row.get("device") == "new"))


def rows_of(body: Any) -> list[dict[str, Any]]:
    """Read a request in any of the dialects, as the servers' own documents describe them."""
    if "dataframe_records" in body:
        return list(body["dataframe_records"])
    if "dataframe_split" in body:
        split = body["dataframe_split"]
        return [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]
    if "instances" in body:
        found = body["instances"]
        return [
            one if isinstance(one, dict) else dict(zip(REQUEST, one, strict=True)) for one in found
        ]
    if len(body["inputs"]) == 1:
        (one,) = body["inputs"]
        values = np.array(one["data"]).reshape(one["shape"]).tolist()
        return [dict(zip(NUMBERS, row, strict=True)) for row in values]
    columns = {one["name"]: one["data"] for one in body["inputs"]}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def answered(shape: str, prices: list[float], body: Any) -> Any:
    n = len(prices)
    output = {"name": "y", "datatype": "FP64"}
    return {
        "flat": {"predictions": prices},
        "column": {"predictions": [[one] for one in prices]},
        "records": {"predictions": [{"final": one, "other": "x"} for one in prices]},
        "mapping": {"predictions": {"final": prices}},
        "v2": {"id": body.get("id"), "outputs": [{**output, "shape": [n], "data": prices}]},
        "v2-column": {"outputs": [{**output, "shape": [n, 1], "data": [[p] for p in prices]}]},
        "v2-two": {
            "id": body.get("id"),
            "outputs": [
                {"name": "final", "datatype": "FP64", "shape": [n, 1], "data": prices},
                {"name": "tier", "datatype": "BYTES", "shape": [n], "data": ["a"] * n},
            ],
        },
    }[shape]


def ask_once(
    made: Any, answer: Any, *, blocks: int = 20, study: Any = None, **settings: Any
) -> Any:
    bodies: list[Any] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        bodies.append((str(request.rel_url), body))
        return answer(body) if callable(answer) else web.json_response(answer)

    async def main() -> Any:
        async with serving(handler) as url:
            target = opened(made(url), study)
            try:
                with Journal.create(settings.pop("journal")) as journal:
                    return await asked(target, journal, make_wave(blocks), study=study, **settings)
            finally:
                await target.close()

    return in_loop(main), bodies


@pytest.mark.parametrize(
    ("kind", "shape", "more"),
    [
        ("mlflow", "flat", {}),
        ("mlflow", "column", {"orient": "split"}),
        ("mlflow", "records", {"response": {"final": "$.final"}}),
        ("mlflow", "mapping", {"batch": 7}),
        ("mlflow", "flat", {"batch": 1}),
        ("kserve-v1", "flat", {}),
        ("kserve-v1", "flat", {"named": False}),
        ("open-inference", "v2", {}),
        ("open-inference", "v2-column", {}),
        ("open-inference", "v2-two", {}),
    ],
)
def test_every_dialect_brings_each_price_to_its_trial(tmp_path, kind, shape, more):
    def answer(body: Any) -> web.Response:
        return web.json_response(answered(shape, [price(row) for row in rows_of(body)], body))

    found, bodies = ask_once(
        lambda url: MADE[kind](url, **more), answer, journal=tmp_path / "j.sqlite"
    )
    np.testing.assert_array_equal(found.values["final"], expected())
    assert (found.kind == ANSWERED).all()
    sizes = [len(rows_of(body)) for _, body in bodies]
    assert sum(sizes) == 60
    assert len(sizes) == {1: 60, 7: 10}.get(more.get("batch", 1024), 1)


def test_one_tensor_holds_the_columns_in_the_order_of_the_request(tmp_path):
    def answer(body: Any) -> web.Response:
        assert body["inputs"][0]["name"] == "X"
        assert body["inputs"][0]["datatype"] == "FP32"
        prices = [price(row) for row in rows_of(body)]
        return web.json_response(answered("v2", prices, body))

    made = lambda url: MADE["open-inference"](  # noqa: E731  as the others
        url, tensor="X", datatype="FP32", request=NUMBERS
    )
    found, _ = ask_once(made, answer, journal=tmp_path / "j.sqlite")
    wave = make_wave(20)
    np.testing.assert_array_equal(found.values["final"], expected() - (wave.arm == 2))


def test_whole_numbers_stay_whole_and_texts_are_texts(tmp_path):
    _, bodies = ask_once(
        MADE["open-inference"], {"outputs": []}, journal=tmp_path / "j.sqlite", blocks=2
    )
    inputs = {one["name"]: one for one in bodies[0][1]["inputs"]}
    assert inputs["age"]["datatype"] == "INT64"
    assert inputs["base"]["datatype"] == "FP64"
    assert inputs["device"]["datatype"] == "BYTES"
    assert {one["shape"][0] for one in inputs.values()} == {6}
    assert set(inputs["device"]["data"]) == {"old", "new"}


def test_a_batch_says_nothing_of_its_arms_and_its_id_nothing_of_its_place(tmp_path):
    _, bodies = ask_once(
        MADE["open-inference"], {"outputs": []}, journal=tmp_path / "j.sqlite", blocks=40
    )
    by_name = {one["name"]: one["data"] for one in bodies[0][1]["inputs"]}
    wave = make_wave(40)
    told = np.array(by_name["device"]) == "new"
    assert told.sum() == (wave.arm == 2).sum()
    assert not np.array_equal(told, wave.arm == 2)
    target = opened(MADE["open-inference"]("http://127.0.0.1:1"))
    other = open_target(
        MADE["open-inference"]("http://127.0.0.1:1"), make_study(), identities=ids, key=b"other"
    )
    first, again, elsewhere = (
        one.render(make_study(), make_wave(4), 3, slice(0, 12)) for one in (target, target, other)
    )
    assert first == again
    assert orjson.loads(first.body)["id"] != orjson.loads(elsewhere.body)["id"]
    assert first.route == "POST /v2/models/m/infer"


@pytest.mark.parametrize(
    ("kind", "reply", "reason"),
    [
        ("mlflow", {"predictions": [1.0]}, "format"),
        ("mlflow", {"predictions": "many"}, "format"),
        ("mlflow", ["a"], "format"),
        ("kserve-v1", {"predictions": [[1.0, 2.0]] * 6}, "format"),
        ("open-inference", {"outputs": []}, "format"),
        ("open-inference", {"outputs": [{"name": "y"}]}, "format"),
        ("open-inference", {"outputs": [{"name": "y", "data": [[[]]], "shape": ["x"]}]}, "format"),
        (
            "open-inference",
            {"id": "somebody else's", "outputs": [{"name": "y", "shape": [6], "data": [1.0] * 6}]},
            "format",
        ),
        (
            "open-inference",
            {"outputs": [{"name": "y", "shape": [3, 2], "data": [1.0] * 6}]},
            "format",
        ),
        ("mlflow", web.Response(status=400, text='{"error_code": "BAD"}'), "format"),
        ("mlflow", web.Response(status=200, text="<html>please log in</html>"), "blocked"),
        ("mlflow", web.Response(status=403), "blocked"),
        ("mlflow", web.Response(status=401), "auth"),
    ],
)
def test_what_is_no_prediction_fails_the_batch_and_is_not_asked_again(
    tmp_path, kind, reply, reason
):
    def answer(_: Any) -> web.StreamResponse:
        if isinstance(reply, web.Response):
            return web.Response(status=reply.status, text=reply.text, content_type="text/plain")
        return web.json_response(reply)

    found, bodies = ask_once(MADE[kind], answer, journal=tmp_path / "j.sqlite", blocks=2)
    assert (found.kind == FAILED).all()
    assert {REASONS[code] for code in found.reason.tolist()} == {reason}
    assert len(bodies) == 1
    assert np.isnan(found.values["final"]).all()


@pytest.mark.parametrize("kind", sorted(MADE))
def test_a_bad_request_that_comes_as_an_error_of_the_server_is_not_asked_for_ever(tmp_path, kind):
    asked_times = 0

    def answer(_: Any) -> web.Response:
        nonlocal asked_times
        asked_times += 1
        return web.Response(status=500, text='{"error": "KeyError: \'instances\'"}')

    with suppress(PausedError):
        found, _ = ask_once(MADE[kind], answer, journal=tmp_path / "j.sqlite", blocks=2)
        assert {REASONS[code] for code in found.reason.tolist()} == {"network"}
    assert 1 <= asked_times <= 2


def test_one_bad_row_fails_alone_where_the_server_marks_it(tmp_path):
    def answer(body: Any) -> web.Response:
        prices = [
            None if row["age"] == 30 else True if row["age"] == 40 else price(row)
            for row in rows_of(body)
        ]
        return web.json_response({"predictions": prices})

    found, _ = ask_once(MADE["mlflow"], answer, journal=tmp_path / "j.sqlite")
    good = AGES[make_wave(20).persona] == 50
    np.testing.assert_array_equal(found.kind == ANSWERED, good)
    np.testing.assert_array_equal(found.values["final"][good], expected()[good])


def test_secrets_are_filled_in_on_the_wire_only(monkeypatch):
    monkeypatch.setenv("MODEL_TOKEN", "s3cret-and-long")
    seen: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers["authorization"])
        return web.json_response({"predictions": [1.0], "echo": seen[-1]})

    async def main() -> tuple[Request, Reply]:
        async with serving(handler) as url:
            made = MADE["mlflow"](url, headers={"authorization": "Bearer ${MODEL_TOKEN}"})
            target = opened(made)
            request = target.render(make_study(), make_wave(1), 0, slice(0, 3))
            reply = await target.send(request)
            await target.close()
            return request, reply

    request, reply = in_loop(main)
    assert seen == ["Bearer s3cret-and-long"]
    assert b"s3cret" not in request.body + reply.body
    monkeypatch.delenv("MODEL_TOKEN")
    made = MADE["mlflow"]("http://127.0.0.1:1", headers={"authorization": "Bearer ${MODEL_TOKEN}"})
    with pytest.raises(UsageError) as told:
        opened(made)
    assert told.value.message_id == "target.missing_secret"
    offline = open_target(made, make_study(), identities=ids, key=KEY, offline=True)
    with pytest.raises(UsageError):
        in_loop(lambda: offline.send(request))


def test_where_it_is_and_what_it_carries():
    made = MADE["kserve-v1"]("http://me:pw@127.0.0.1:8080")
    assert address(made) == "127.0.0.1:8080"
    assert carried(made) == frozenset({"persona.device", "persona.age", "item.base"})
    assert opened(made).batch == 1024
