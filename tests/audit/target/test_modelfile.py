from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import FunctionTransformer
from tests.audit.harness import KEY, ids, make_study, make_wave

from evenhand.audit.planmachines import (
    BoosterTarget,
    ModelTarget,
    OnnxTarget,
    PickleTarget,
    SkopsTarget,
)
from evenhand.audit.target import address, carried, open_target
from evenhand.audit.target.modelfile import Worker
from evenhand.audit.target.models import NoLibraryError, load
from evenhand.datasets.personas import Table
from evenhand.errors import EvenhandError, TargetError, UsageError
from evenhand.probes.design import ANSWERED, FAILED, REASONS

REQUEST = {"age": "{{persona.age}}", "base": "{{item.base}}"}
AGES, BASES = np.array([30, 40, 50]), np.array([100.0, 200.0])


def linear() -> Any:
    """Return a model that says base + 2 × age, exactly enough."""
    ages, bases = np.meshgrid(np.arange(20.0, 70, 5), np.arange(50.0, 300, 25))
    frame = pd.DataFrame({"age": ages.ravel(), "base": bases.ravel()})
    return LinearRegression().fit(frame, frame["base"] + 2 * frame["age"])


def prices(answers: Any) -> Any:
    return answers.values["final"]  # noqa: PD011  answers are no data frame


def expected(blocks: int) -> Any:
    wave = make_wave(blocks)
    return BASES[wave.item] + 2 * AGES[wave.persona]


def spec(kind: str, file: Path, **more: Any) -> ModelTarget:
    made = {"kind": kind, "file": str(file), "request": REQUEST, **more}
    if kind in {"pickle", "joblib"}:
        sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
        return PickleTarget(**({"trust": {"sha256": sha256}} | made))
    classes: dict[str, Any] = {"onnx": OnnxTarget, "skops": SkopsTarget}
    found: ModelTarget = classes.get(kind, BoosterTarget)(**made)
    return found


def asked(made: ModelTarget, *, blocks: int = 4, study: Any = None) -> Any:
    study = study or make_study()
    wave = make_wave(blocks)

    async def main() -> Any:
        target = open_target(made, study, identities=ids, key=KEY)
        try:
            request = target.render(study, wave, 1, slice(0, len(wave)))
            return target.read(request, await target.send(request)), request
        finally:
            await target.close()

    return asyncio.run(main())


def dumped(kind: str, folder: Path, model: Any) -> Path:
    file = folder / f"model.{kind}"
    if kind == "pickle":
        file.write_bytes(pickle.dumps(model))
    elif kind == "joblib":
        joblib.dump(model, file)
    elif kind == "skops":
        pytest.importorskip("skops.io").dump(model, file)
    elif kind == "onnx":
        to_onnx = pytest.importorskip("skl2onnx").to_onnx
        file.write_bytes(to_onnx(model, np.zeros((1, 2))).SerializeToString())
    return file


@pytest.mark.parametrize("kind", ["pickle", "joblib", "skops", "onnx"])
def test_a_model_file_prices_each_trial_of_the_wave(tmp_path, kind):
    file = dumped(kind, tmp_path, linear())
    answers, _ = asked(spec(kind, file), blocks=30)
    assert (answers.kind == ANSWERED).all()
    np.testing.assert_allclose(prices(answers), expected(30), rtol=1e-5)


@pytest.mark.parametrize("kind", ["lightgbm", "xgboost", "catboost"])
def test_boosted_trees_price_as_their_own_library_does(tmp_path, kind):
    library = pytest.importorskip(kind)
    ages, bases = np.meshgrid(AGES, BASES)
    frame = pd.DataFrame({"age": ages.ravel(), "base": bases.ravel()})
    frame = pd.concat([frame] * 20, ignore_index=True)
    truth = frame["base"] + 2 * frame["age"]
    file = tmp_path / "model"
    if kind == "lightgbm":
        booster = library.train(
            {"verbose": -1, "num_threads": 1}, library.Dataset(frame, truth), 40
        )
        booster.save_model(file)
        own = booster.predict
    elif kind == "xgboost":
        booster = library.train({"nthread": 1}, library.DMatrix(frame, truth), 40)
        file = file.with_suffix(".ubj")
        booster.save_model(file)
        own = lambda rows: booster.predict(library.DMatrix(rows))  # noqa: E731  as the others
    else:
        booster = library.CatBoostRegressor(
            iterations=40, verbose=0, thread_count=1, allow_writing_files=False
        ).fit(frame, truth)
        booster.save_model(str(file))
        own = booster.predict
    answers, _ = asked(spec(kind, file))
    wave = make_wave(4)
    told = own(pd.DataFrame({"age": AGES[wave.persona], "base": BASES[wave.item]}))
    np.testing.assert_allclose(prices(answers), told, rtol=1e-9)


def test_columns_by_name_keep_their_types(tmp_path):
    helper = pytest.importorskip("onnx").helper
    kinds = pytest.importorskip("onnx").TensorProto
    nodes = [
        helper.make_node("Cast", ["age"], ["wide"], to=kinds.DOUBLE),
        helper.make_node("Add", ["wide", "base"], ["price"]),
    ]
    graph = helper.make_graph(
        nodes,
        "sum",
        [
            helper.make_tensor_value_info("age", kinds.INT64, [None, 1]),
            helper.make_tensor_value_info("base", kinds.DOUBLE, [None, 1]),
        ],
        [helper.make_tensor_value_info("price", kinds.DOUBLE, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    file = tmp_path / "m.onnx"
    file.write_bytes(model.SerializeToString())
    answers, _ = asked(spec("onnx", file))
    wave = make_wave(4)
    np.testing.assert_array_equal(prices(answers), BASES[wave.item] + AGES[wave.persona])
    # a fraction is no whole number, and is not made one without a word
    halves = make_study(personas=Table({"age": AGES + 0.5}))
    answers, _ = asked(spec("onnx", file), study=halves)
    assert (answers.kind == FAILED).all()


def test_the_file_is_opened_as_the_plan_says_and_the_request_knows_its_columns(tmp_path):
    file = dumped("pickle", tmp_path, linear())
    made = spec("pickle", file, request={**REQUEST, "device": "{{persona.device}}"})
    with pytest.raises(UsageError) as told:
        asked(made)
    assert told.value.message_id == "serving.not_a_column"
    assert "device" in told.value.text("en")
    assert address(made) == "model.pickle"
    assert carried(made) == frozenset({"persona.age", "item.base", "persona.device"})
    offline = open_target(spec("pickle", file), make_study(), identities=ids, key=KEY, offline=True)
    with pytest.raises(UsageError):
        asyncio.run(offline.send(None))  # type: ignore[arg-type]


# --------------------------------------------------------------------------------- hostile files


class Bomb:
    """Does something when it is unpickled."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        return exec, (textwrap.dedent(self.code),)


def bomb(folder: Path, code: str) -> Path:
    file = folder / "bomb.pickle"
    file.write_bytes(pickle.dumps(Bomb(code)))
    return file


def test_a_pickle_that_the_plan_does_not_trust_is_not_opened(tmp_path):
    file = bomb(tmp_path, f"open({str(tmp_path / 'ran')!r}, 'w')")
    made = PickleTarget(
        kind="pickle",
        file=str(file),
        request=REQUEST,
        trust={"sha256": "0" * 64},
    )
    with pytest.raises(UsageError) as told:
        asked(made)
    assert told.value.message_id == "serving.other_file"
    assert hashlib.sha256(file.read_bytes()).hexdigest() in told.value.text("zh")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "code",
    [
        "import os; os._exit(0)",
        "import os; os.abort()",
        "x = bytearray(1 << 34)",
        "raise KeyboardInterrupt",
        "import sys; sys.exit(0)",
        "raise ValueError('\\x1b[31m' + 'x' * 10_000)",
        "import os; os.write(1, b'\\xff' * 100); os.write(3, b'\\xff'); raise OSError",
    ],
)
def test_even_one_that_is_trusted_harms_nobody_but_its_own_process(tmp_path, code):
    with pytest.raises(TargetError) as told:
        asked(spec("pickle", bomb(tmp_path, code), memory=1024))
    message = told.value.text("en")
    assert "\x1b" not in message
    assert len(message) < 600


def test_it_sees_no_secret_no_network_and_no_process_and_writes_no_file(tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN_OF_OURS", "s3cret")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        code = f"""
            import os, socket
            found = [name for name in os.environ if "TOKEN" in name]
            try:
                socket.create_connection(("127.0.0.1", {port}), 1).close()
                found.append("network")
            except OSError:
                pass
            try:
                with open({str(tmp_path / "written")!r}, "w") as file:
                    file.write("x")
                found.append("file")
            except OSError:
                pass
            if os.getppid():
                found.append("parent")
            raise RuntimeError(f"found {{found}}")
        """
        with pytest.raises(TargetError) as told:
            asked(spec("pickle", bomb(tmp_path, code)))
    found = told.value.text("en")
    if "network" in found:  # a platform that cannot cut it off says so
        assert not opened(tmp_path).cut_off
    else:
        assert "found []" in found


def opened(folder: Path) -> Worker:
    file = dumped("pickle", folder, linear())
    worker = Worker(spec("pickle", file), file.read_bytes())
    worker.close()
    return worker


def test_a_skops_file_holds_only_what_the_plan_trusts(tmp_path):
    files = pytest.importorskip("skops.io")
    file = tmp_path / "model.skops"
    files.dump(FunctionTransformer(textwrap.dedent), file)
    with pytest.raises(UsageError) as told:
        asked(spec("skops", file))
    assert told.value.message_id == "serving.untrusted"
    assert "textwrap.dedent" in told.value.text("en")
    trusting = spec("skops", file, trusted=("textwrap.dedent",))
    Worker(trusting, file.read_bytes()).close()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("onnx", b"\xff" * (1 << 20)),
        ("lightgbm", b"tree\n"),
        ("xgboost", b"\x00" * 1000),
        ("catboost", b""),
        ("skops", b"PK\x03\x04" + b"\x00" * 100),
        ("joblib", b"\x80"),
    ],
)
def test_what_is_no_model_is_told_in_one_sentence(tmp_path, kind, data):
    pytest.importorskip({"onnx": "onnxruntime"}.get(kind, kind))
    file = tmp_path / "model"
    file.write_bytes(data)
    with pytest.raises(TargetError) as told:
        asked(spec(kind, file))
    assert told.value.message_id in {"serving.model_unreadable", "serving.model_died"}
    assert "\n" not in told.value.text("zh")


def test_an_onnx_graph_reads_no_file_of_ours(tmp_path):
    onnx = pytest.importorskip("onnx")
    secret = tmp_path / "secret.bin"
    secret.write_bytes(np.full(4, 7.0).tobytes())
    for place in (str(secret), f"../../..{secret}", "secret.bin"):
        tensor = onnx.TensorProto(name="w", data_type=onnx.TensorProto.DOUBLE, dims=[1, 4])
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=place)
        graph = onnx.helper.make_graph(
            [onnx.helper.make_node("Add", ["x", "w"], ["y"])],
            "leak",
            [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, [None, 4])],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.DOUBLE, [None, 4])],
            [tensor],
        )
        model = onnx.helper.make_model(graph, ir_version=9)
        file = tmp_path / "leak.onnx"
        file.write_bytes(model.SerializeToString())
        with pytest.raises(TargetError) as told:
            asked(spec("onnx", file))
        assert told.value.message_id == "serving.model_unreadable"


def test_a_graph_that_wants_more_memory_than_it_has_ends_alone(tmp_path):
    onnx = pytest.importorskip("onnx")
    shape = onnx.helper.make_tensor("s", onnx.TensorProto.INT64, [1], [1 << 34])
    graph = onnx.helper.make_graph(
        [
            onnx.helper.make_node("ConstantOfShape", ["s"], ["huge"]),
            onnx.helper.make_node("ReduceSum", ["huge"], ["total"], keepdims=1),
            onnx.helper.make_node("Cast", ["total"], ["wide"], to=onnx.TensorProto.DOUBLE),
            onnx.helper.make_node("Add", ["x", "wide"], ["y"]),
        ],
        "huge",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.DOUBLE, [None, 2])],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.DOUBLE, [None, 2])],
        [shape],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=9)
    file = tmp_path / "huge.onnx"
    file.write_bytes(model.SerializeToString())
    try:
        answers, _ = asked(spec("onnx", file, memory=1024))
    except TargetError:
        return
    assert (answers.kind == FAILED).all()


class Frozen:
    """A model that does something when it is asked, where these tests cannot be imported."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self) -> Any:
        body = f"""
class Model:
    feature_names_in_ = ["age", "base"]
    def predict(self, rows):
        {self.code}
        return rows["age"]
"""
        return eval, (f"exec({body!r}, space) or space['Model']()", {"space": {}})


@pytest.mark.parametrize("code", ["import time; time.sleep(60)", "while True: pass"])
def test_a_model_that_does_not_answer_is_ended_and_the_call_fails(tmp_path, code):
    file = tmp_path / "slow.pickle"
    file.write_bytes(pickle.dumps(Frozen(code)))
    answers, _ = asked(spec("pickle", file, limits={"timeout": 0.5}))
    assert (answers.kind == FAILED).all()
    assert {REASONS[one] for one in answers.reason.tolist()} == {"network"}
    assert answers.retry


def test_a_model_that_raises_fails_the_batch_and_lives_on(tmp_path):
    file = tmp_path / "picky.pickle"
    file.write_bytes(pickle.dumps(Frozen("assert len(rows) != 3, 'three is a crowd'")))

    async def main() -> Any:
        study, wave = make_study(), make_wave(3)
        target = open_target(spec("pickle", file), study, identities=ids, key=KEY)
        try:
            told = []
            for rows in (slice(0, 6), slice(6, 9), slice(0, 6)):
                request = target.render(study, wave, 1, rows)
                reply = await target.send(request)
                told.append((target.read(request, reply), reply))
            return told
        finally:
            await target.close()

    first, second, third = asyncio.run(main())
    assert (second[0].kind == FAILED).all()
    assert b"three is a crowd" in second[1].body
    assert not second[0].retry
    np.testing.assert_array_equal(prices(first[0]), prices(third[0]))


def test_the_process_dies_with_its_parent(tmp_path):
    file = dumped("pickle", tmp_path, linear())
    code = f"""
import os, sys
from pathlib import Path
from evenhand.audit.planmachines import PickleTarget
from evenhand.audit.target.modelfile import Worker
file = Path({str(file)!r})
spec = PickleTarget(kind="pickle", file=str(file), request={REQUEST!r}, trust={{"sha256": "0" * 64}})
worker = Worker(spec, file.read_bytes())
print(worker._process.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-P", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        os.kill(pid, 0)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        gone = threading.Event()
        for _ in range(200):
            try:
                state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            except OSError:
                gone.set()
                break
            if state == "Z":
                gone.set()
                break
            time.sleep(0.02)
        assert gone.is_set()


def test_a_library_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "catboost", None)
    with pytest.raises(NoLibraryError) as told:
        load("catboost", b"")
    assert told.value.library == "catboost"


def test_every_error_of_an_opened_file_reads_in_both_languages():
    for error in (
        UsageError("serving.untrusted", path="m", types="a.B"),
        TargetError("serving.model_died", path="m", memory=1),
        UsageError("serving.other_file", path="m", sha256="0"),
    ):
        assert isinstance(error, EvenhandError)
        assert error.text("zh") != error.text("en")
