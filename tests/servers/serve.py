"""Serve the model of :mod:`pricing` on loopback: ``python serve.py SERVER FOLDER PORT``.

Runs in the environment of its server, which need not have Evenhand. It ends when its parent does.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
LOOPBACK = "127.0.0.1"
sys.path.insert(0, str(HERE))


def fastapi(folder: Path, port: int) -> None:  # noqa: ARG001  one form for all
    """Serve ``POST /quote``, one customer at a time, with an OpenAPI document."""
    import uvicorn
    from quotes import app

    uvicorn.run(app(), host=LOOPBACK, port=port, log_level="error")


def mlflow(folder: Path, port: int) -> None:
    """Save the model with its signature, and let MLflow serve it."""
    import mlflow as library
    import pricing
    from mlflow.models import infer_signature

    saved = folder / "model"
    if not saved.exists():
        frame = pricing.bookings()
        taken = frame[list(pricing.COLUMNS)]
        library.sklearn.save_model(
            pricing.train(),
            str(saved),
            signature=infer_signature(taken, frame["price"]),
            serialization_format="cloudpickle",
            pip_requirements=["scikit-learn"],
        )
    command = ["models", "serve", "-m", str(saved), "--env-manager", "local"]
    _become(["-m", "mlflow", *command, "-h", LOOPBACK, "-p", str(port)], folder)


def mlserver(folder: Path, port: int) -> None:
    """Dump the model and let mlserver serve it: data frames in, tensors out."""
    import joblib
    import pricing

    joblib.dump(pricing.train(), folder / "model.joblib")
    setting = {
        "name": "pricing",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": "./model.joblib", "version": "v1"},
        "inputs": [
            {"name": name, "datatype": kind, "shape": [-1, 1]}
            for name, kind in zip(pricing.COLUMNS, ("BYTES", "INT64", "INT64", "FP64"), strict=True)
        ],
    }
    (folder / "model-settings.json").write_text(json.dumps(setting))
    server = {
        "host": LOOPBACK,
        "http_port": port,
        "grpc_port": port + 1,
        "metrics_port": port + 2,
        "parallel_workers": 0,
    }
    (folder / "settings.json").write_text(json.dumps(server))
    script = Path(sys.executable).with_name("mlserver")
    _become([str(script), "start", str(folder)], folder)


def kserve(folder: Path, port: int) -> None:  # noqa: ARG001  one form for all
    """Serve the model through KServe's SDK: V1 and V2 on one port."""
    import kserve as library
    import pandas as pd
    import pricing
    from kserve.protocol.rest import server as rest

    configured = rest.uvicorn.Config
    # the SDK binds every address of the machine; nobody but this machine is to be answered
    rest.uvicorn.Config = lambda *given, **named: configured(*given, **{**named, "host": LOOPBACK})
    model = pricing.train()

    class Pricing(library.Model):  # type: ignore[misc]
        def load(self) -> bool:
            self.ready = True
            return True

        def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:  # noqa: ARG002  the SDK's form
            if not isinstance(payload, dict):
                frame = pd.DataFrame({one.name: one.as_numpy().ravel() for one in payload.inputs})
                frame["phone"] = frame["phone"].astype(str)
                prices = model.predict(frame[list(pricing.COLUMNS)])
                output = library.InferOutput("price", [len(prices)], "FP64", data=prices.tolist())
                return library.InferResponse(payload.id, self.name, [output])
            frame = pd.DataFrame(payload["instances"])
            return {"predictions": model.predict(frame[list(pricing.COLUMNS)]).tolist()}

    made = Pricing("pricing")
    made.load()
    server = library.ModelServer(http_port=port, enable_grpc=False, workers=1)
    server.start([made])


def bentoml(folder: Path, port: int) -> None:
    """Serve one customer at a time, by BentoML."""
    environment = folder / "home"
    environment.mkdir(exist_ok=True)
    os.environ["BENTOML_HOME"] = str(environment)
    command = ["-m", "bentoml", "serve", "bento:Pricing", "--working-dir", str(HERE)]
    _become([*command, "--host", LOOPBACK, "--port", str(port)], folder)


def _become(command: list[str], folder: Path) -> None:
    """Run a server as a child of ours, until we are asked to end."""
    whole = command if Path(command[0]).is_absolute() else [sys.executable, *command]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(whole, cwd=folder, env=environment) as child:
        signal.signal(signal.SIGTERM, lambda *_: child.terminate())
        child.wait()


def _end_with(parent: int) -> None:
    """Ask ourselves to end as soon as whoever started us is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    _, server, where, number = sys.argv
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    globals()[server](Path(where), int(number))
