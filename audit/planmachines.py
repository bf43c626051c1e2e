"""The parts of a plan that say which machine is asked: a model server, a model file, a recorded log."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .planhttp import Asking
from .planparts import Limits, MoneyTerms, Part, Response, Sentence, Whole, Yes

SHA256 = r"^[0-9a-f]{64}$"


class Tabular(Part):
    """What takes a table: `request` maps its columns to placeholders, in their order.

    `response` names the columns that it gives; without one, the one that it gives is the price.
    """

    request: dict[str, Any] = Field(min_length=1)
    response: Response | None = None
    money: MoneyTerms | None = None
    limits: Limits = Limits()


class Served(Tabular):
    """A model behind a server: asked in batches, or row by row where `batch` is 1.

    `schema` is a file that says what the model takes: the server's own metadata, an OpenAPI document
    or an ``MLmodel``. A column that is not in it is not delivered.
    """

    url: str
    headers: dict[str, str] = Field(default_factory=dict)
    batch: Whole = Field(1024, ge=1, le=65_536)
    schema_: str | None = Field(None, alias="schema")

    def asking(self) -> Asking:
        """Return what is sent, as any endpoint is asked."""
        return Asking(url=self.url, request=self.request, headers=self.headers)


class MlflowTarget(Served):
    """MLflow's scoring server, and what speaks like it: ``POST …/invocations``."""

    kind: Literal["mlflow"]
    orient: Literal["records", "split"] = "records"


class OpenInferenceTarget(Served):
    """Open Inference V2 (mlserver, KServe, Triton): ``POST /v2/models/NAME/infer``.

    With `tensor` the columns stand side by side in one input of that name, in the order of the
    request; without it each column is an input of its own.
    """

    kind: Literal["open-inference"]
    tensor: Sentence | None = None
    datatype: Literal["FP32", "FP64", "INT32", "INT64"] = "FP64"


class KserveTarget(Served):
    """KServe V1: ``POST /v1/models/NAME:predict``. `named: false` sends rows without their names."""

    kind: Literal["kserve-v1"]
    named: Yes = True


class Modelled(Tabular):
    """A model in a file. It lives in a process of its own, within `memory` MiB.

    A call may take `limits.timeout` seconds of processor time. The file's hash is part of the plan.
    """

    file: Sentence
    memory: Whole = Field(4096, ge=64, le=1 << 20)
    batch: Whole = Field(16_384, ge=1, le=65_536)


class OnnxTarget(Modelled):
    """An ONNX graph: one input for all columns, or one for each."""

    kind: Literal["onnx"]


class BoosterTarget(Modelled):
    """Boosted trees as their own library saved them."""

    kind: Literal["lightgbm", "xgboost", "catboost"]


class SkopsTarget(Modelled):
    """A scikit-learn model saved by skops. `trusted` are the types that it may hold beside the usual."""

    kind: Literal["skops"]
    trusted: tuple[Sentence, ...] = ()


class Trust(Part):
    """That whoever opens the file answers for it: it can run anything."""

    sha256: str = Field(pattern=SHA256)


class PickleTarget(Modelled):
    """A pickled model. It is a program, and runs only where the plan trusts this very file."""

    kind: Literal["pickle", "joblib"]
    trust: Trust


class TableTarget(Tabular):
    """A recorded log. It answers what it holds, and shows a dependence at most: nobody drew lots.

    `request` maps columns of the log to placeholders; `response` names those that were answered.
    """

    kind: Literal["table"]
    file: Sentence


ServedTarget = MlflowTarget | OpenInferenceTarget | KserveTarget
ModelTarget = OnnxTarget | BoosterTarget | SkopsTarget | PickleTarget
