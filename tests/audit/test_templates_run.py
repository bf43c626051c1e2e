"""Every template runs as it is against a vendor of the zoo: only the port and the pace are ours."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evenhand.audit import planfile, templates
from evenhand.audit.record import Record
from evenhand.audit.run import begin, prepare, run
from evenhand.datasets import vendors
from evenhand.datasets.vendors import serve

URL = "http://127.0.0.1:8000/quote"
PACE = "  limits: {requests_per_second: 20, concurrency: 8, timeout: 5s, attempts: 4}\n"

Body = Mapping[str, Any]


def hotel(body: Body) -> Body:
    """What a vendor of rides is asked when a hotel is."""
    user, room = body["user"], body["room"]
    return {
        "identity": user["id"],
        "device": user["device"],
        "tenure": 3 * user["stays"],
        "ride": {"twin": "compact", "suite": "van"}[room["type"]],
        "distance_km": 10 * room["nights"],
    }


def insurance(body: Body) -> Body:
    """What a vendor of rides is asked when an insurer is."""
    applicant = body["applicant"]
    assert applicant["sex"] in {"m", "f"}
    return {
        "identity": applicant["id"],
        "device": body["visit"]["device"],
        "tenure": 12 * body["visit"]["member_years"],
        "ride": body["vehicle"]["class"],
        "distance_km": body["cover"]["sum"] / 1e4,
        "hour": {"coast": 8, "inland": 10}[applicant["region"]],
        "party": {"25-34": 1, "55+": 4}[applicant["age"]],
    }


def _asked(name: str, rows: Body) -> float:
    """The price of a vendor of rides; what is not asked about is as usual."""
    usual = {"past_spend": 200, "tenure": 0, "hour": 10, "party": 1, "stops": 0}
    table = {key: np.array([value]) for key, value in {**usual, **rows}.items()}
    quoted = vendors.get(name).quote(table)
    return float(np.asarray(quoted)[0])


@contextmanager
def adapted(name: str, translate: Callable[[Body], Body]) -> Iterator[str]:
    """Serve a vendor of rides to those who ask in other words."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            price = _asked(name, translate(body))
            said = {"status": "ok", "price": {"final": price}, "premium": {"total": price}}
            data = json.dumps(said).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    # replies are small and sent at once: Nagle's algorithm would hold each back
    Handler.disable_nagle_algorithm = True
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/quote"
        finally:
            server.shutdown()


def _record(text: str, folder: Path) -> Record:
    (folder / "plan.yaml").write_text(text, "utf-8")
    audit = prepare(planfile.load(folder / "plan.yaml"))
    where = begin(audit, folder / "run")
    run(audit, where)
    return where.read_record()


def _at(name: str, language: str, url: str) -> str:
    """A template with the port that was free, and without the pace that spares a stranger."""
    text = templates.template(name, language)
    assert text.count(URL) == 1
    assert text.count(PACE) == 1
    return text.replace(URL, url).replace(PACE, "")


def _verdicts(record: Record) -> dict[tuple[str, str], str]:
    return {(one.treatment, one.outcome): one.verdict for one in record.content.findings}


def test_own_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_model.py").write_text(
        "import numpy as np\n"
        "from evenhand.datasets.vendors import loyal_markup\n"
        "USUAL = {'identity': 'a', 'past_spend': 200, 'ride': 'van', 'hour': 9, 'party': 1,"
        " 'stops': 0}\n"
        "def price(table):\n"
        "    n = len(table['tenure'])\n"
        "    usual = {name: np.full(n, value) for name, value in USUAL.items()}\n"
        "    return loyal_markup.quote({**usual, **table})\n",
        "utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "my_model", None)
    monkeypatch.delitem(sys.modules, "my_model")
    record = _record(templates.template("own-model", "zh"), tmp_path)
    assert _verdicts(record) == {
        ("device", "final"): "cleared",
        ("tenure", "final"): "established",
    }


def test_hotel(tmp_path: Path) -> None:
    with adapted("device_markup", hotel) as url:
        record = _record(_at("hotel", "en", url), tmp_path)
    assert _verdicts(record) == {("device", "final"): "established", ("stays", "final"): "cleared"}


def test_insurance(tmp_path: Path) -> None:
    with adapted("loyal_markup", insurance) as url:
        record = _record(_at("insurance", "zh", url), tmp_path)
    assert _verdicts(record) == {
        ("device", "final"): "cleared",
        ("member_years", "final"): "established",
    }


def test_ride(tmp_path: Path) -> None:
    with serve.start("spend_ladder") as url:
        record = _record(_at("ride", "zh", url), tmp_path)
    found = _verdicts(record)
    assert found["past_spend", "final"] == "established"
    assert found["device", "final"] == found["tenure", "final"] == "cleared"


def test_recommender(tmp_path: Path) -> None:
    with serve.start("assortment_withheld") as url:
        record = _record(_at("recommender", "en", url), tmp_path)
    truth = vendors.get("assortment_withheld").truth
    guilty = {effect.attribute for effect in truth.effects if effect.side == "guilty"}
    found = _verdicts(record)
    assert len(found) == 4
    for (treatment, _), verdict in found.items():
        assert verdict == ("established" if treatment in guilty else "cleared")
