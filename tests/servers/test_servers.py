"""One plan, asked of real servers and of model files: the same findings from all."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import joblib
import numpy as np
import pytest
import yaml
from tests.servers import pricing
from tests.servers.plans import plan

from evenhand.audit.delivery import check_delivery
from evenhand.audit.openapi import draft, read_document
from evenhand.audit.planfile import load, parse
from evenhand.audit.record import Record
from evenhand.audit.run import begin, prepare, run

MARKUP = float(
    np.mean([np.log1p(4 / (20 + 0.8 * base + more)) for base in (100.0, 150.5) for more in (0, 30)])
)
"""What a new phone costs on average over the plan's frame: 4 on top of each of its four prices."""

V2 = "/v2/models/pricing/infer"
SERVED: dict[str, tuple[str, dict[str, Any]]] = {
    "fastapi": ("fastapi", {"kind": "http", "path": "/quote", "response": {"final": "$.price"}}),
    "bentoml": ("bentoml", {"kind": "http", "path": "/quote", "response": {"final": "$.price"}}),
    "mlflow": ("mlflow", {"kind": "mlflow", "path": "/invocations"}),
    "mlflow, split": ("mlflow", {"kind": "mlflow", "path": "/invocations", "orient": "split"}),
    "mlflow, row by row": ("mlflow", {"kind": "mlflow", "path": "/invocations", "batch": 1}),
    "mlserver": ("mlserver", {"kind": "open-inference", "path": V2}),
    "kserve, V2": ("kserve", {"kind": "open-inference", "path": V2}),
    "kserve, V1": ("kserve", {"kind": "kserve-v1", "path": "/v1/models/pricing:predict"}),
}
OWN = ("fastapi",)
"""Servers that our own environment brings; the others have one each."""


def audited(folder: Path, target: dict[str, Any]) -> Record:
    audit = prepare(load(plan(folder, target)))
    where = begin(audit, folder / "run")
    run(audit, where)
    return where.read_record()


def findings(record: Record) -> None:
    """Hold a record to what the model does."""
    phone, spend = record.content.findings
    assert (phone.treatment, phone.verdict) == ("phone", "established")
    assert phone.effect is not None
    assert phone.effect.low is not None
    assert phone.effect.high is not None
    assert phone.effect.low <= MARKUP <= phone.effect.high
    assert phone.effect.estimate == pytest.approx(MARKUP, rel=0.1)
    assert (spend.treatment, spend.verdict) == ("spend", "cleared")
    assert spend.effect is not None
    assert spend.effect.estimate == pytest.approx(0, abs=1e-6)
    counts = record.content.counts
    assert counts.planned == counts.answered
    assert all(control.passed for control in record.content.controls)


def names(*, own: bool) -> list[Any]:
    marks = () if own else (pytest.mark.servers,)
    return [
        pytest.param(name, marks=marks)
        for name, (server, _) in SERVED.items()
        if (server in OWN) == own
    ]


@pytest.mark.parametrize("name", [*names(own=True), *names(own=False)])
def test_a_server_is_found_to_do_what_its_model_does(tmp_path, served, name):
    server, target = SERVED[name]
    url = served(server) + target["path"]
    findings(
        audited(tmp_path, {key: one for key, one in target.items() if key != "path"} | {"url": url})
    )


def dumped(kind: str, folder: Path) -> Path:
    """Save the model in a file of some kind."""
    model, file = pricing.train(), folder / f"pricing.{kind}"
    if kind == "pickle":
        file.write_bytes(pickle.dumps(model))
    elif kind == "joblib":
        joblib.dump(model, file)
    elif kind == "skops":
        pytest.importorskip("skops.io").dump(model, file)
    elif kind == "onnx":
        types = pytest.importorskip("skl2onnx.common.data_types")
        kinds = (types.StringTensorType, *[types.Int64TensorType] * 2, types.DoubleTensorType)
        inputs = [
            (name, made([None, 1])) for name, made in zip(pricing.COLUMNS, kinds, strict=True)
        ]
        graph = pytest.importorskip("skl2onnx").to_onnx(model, initial_types=inputs)
        file.write_bytes(graph.SerializeToString())
    else:
        boosted(kind, file)
    return file


def boosted(kind: str, file: Path) -> None:
    """Let a library of boosted trees learn the same prices."""
    library = pytest.importorskip(kind)
    frame = pricing.bookings()
    rows = frame[list(pricing.COLUMNS)]
    coded = rows.astype({"phone": "category"})
    if kind == "lightgbm":
        setting: dict[str, Any] = {
            "min_data_in_leaf": 1,
            "min_data_per_group": 1,
            "cat_smooth": 0,
            "cat_l2": 0,
        }
        setting |= {"verbose": -1, "num_threads": 1, "learning_rate": 0.5}
        library.train(setting, library.Dataset(coded, frame["price"]), 300).save_model(file)
    elif kind == "xgboost":
        learnt = library.DMatrix(coded, frame["price"], enable_categorical=True)
        model = library.train({"nthread": 1, "eta": 0.5, "lambda": 0}, learnt, 300)
        file.write_bytes(model.save_raw("ubj"))
    else:
        model = library.CatBoostRegressor(
            iterations=500, depth=4, learning_rate=0.3, verbose=0, thread_count=1,
            allow_writing_files=False,
        )  # fmt: skip
        model.fit(rows, frame["price"], cat_features=["phone"]).save_model(str(file))


@pytest.mark.servers
@pytest.mark.parametrize(
    "kind", ["pickle", "joblib", "skops", "onnx", "lightgbm", "xgboost", "catboost"]
)
def test_a_model_file_is_found_to_do_the_same(tmp_path, kind):
    file = dumped(kind, tmp_path)
    target: dict[str, Any] = {"kind": kind, "file": file.name}
    if kind in {"pickle", "joblib"}:
        target["trust"] = {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    if kind in {"lightgbm", "xgboost", "catboost"}:
        # trees know no price between two that they learnt
        bases = {"role": "condition", "levels": [100.0, 150.0]}
        learnt = yaml.safe_load(plan(tmp_path, target).read_text("utf-8"))
        learnt["personas"]["attributes"]["base"] = bases
        record = audited_plan(tmp_path, learnt)
        phone, spend = record.content.findings
        assert (phone.verdict, spend.verdict) == ("established", "cleared")
        return
    findings(audited(tmp_path, target))


def audited_plan(folder: Path, tree: Any) -> Record:
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump(tree), "utf-8")
    audit = prepare(load(path))
    where = begin(audit, folder / "run")
    run(audit, where)
    return where.read_record()


def test_a_document_of_a_real_server_becomes_a_plan_that_runs(tmp_path, served):
    url = served("fastapi")
    document, source = read_document(f"{url}/openapi.json")
    tree = yaml.safe_load(draft(document, "en", source=source))
    assert tree["target"]["url"] == f"{url}/quote"
    wanted = yaml.safe_load(plan(tmp_path, {"kind": "http"}).read_text("utf-8"))
    # what only an auditor can say is said; what the document said stays
    tree["audit"] |= {name: wanted["audit"][name] for name in ("vendor", "commissioned_by")}
    tree["audit"] |= {name: wanted["audit"][name] for name in ("paid_by", "conflicts")}
    tree["target"]["money"] = wanted["target"]["money"]
    del tree["target"]["limits"]
    phone = tree["personas"]["attributes"]["phone"]
    assert (phone["reference"], phone["levels"]) == ("android-budget", ["iphone-new"])
    phone |= {"role": "ability_to_pay", "because": "a test"}
    for name in ("spend", "nights", "base"):
        tree["personas"]["attributes"][name] = wanted["personas"]["attributes"][name]
    tree["probes"], tree["controls"] = wanted["probes"], wanted["controls"]
    parse(yaml.safe_dump(tree), tmp_path / "plan.yaml")
    findings(audited_plan(tmp_path, tree))


@pytest.mark.servers
def test_the_servers_own_habits_are_named(tmp_path, served):
    """MLflow drops what its model does not take; mlserver's metadata say what its model does."""
    url = served("mlflow")
    target = {"kind": "mlflow", "url": f"{url}/invocations"}
    tree = yaml.safe_load(plan(tmp_path, target).read_text("utf-8"))
    tree["target"]["request"]["mood"] = "{{persona.mood}}"
    mood = {"role": "private", "reference": "calm", "levels": ["angry"], "because": "a test"}
    tree["personas"]["attributes"]["mood"] = mood
    tree["probes"][0]["treat"] = ["phone", "mood"]
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump(tree), "utf-8")
    audit = prepare(load(path))
    folder = begin(audit, tmp_path / "run")
    conduct = run(audit, folder, pilot_only=True)
    found = check_delivery(audit, conduct, folder)
    assert {one.attribute: one.outcome for one in found.fields} == {
        "phone": "arrives",
        "mood": "unread",
    }

    about = served("mlserver") + "/v2/models/pricing"
    with urlopen(about, timeout=5) as reply:  # noqa: S310  our own server, on loopback
        (tmp_path / "schema.json").write_bytes(reply.read())
    assert {one["name"] for one in json.loads((tmp_path / "schema.json").read_bytes())["inputs"]}
    tree["target"] = {
        **tree["target"],
        "kind": "open-inference",
        "url": served("mlserver") + V2,
        "schema": "schema.json",
    }
    path.write_text(yaml.safe_dump(tree), "utf-8")
    audit = prepare(load(path))
    assert "mood" not in audit.study.carried
    folder = begin(audit, tmp_path / "run2")
    run(audit, folder)
    verdicts = {one.treatment: one for one in folder.read_record().content.findings}
    assert verdicts["phone"].verdict == "established"
    assert verdicts["mood"].verdict == "inconclusive"
