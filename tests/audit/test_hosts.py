"""Everything that something is sent to is permitted, and a wrong path is told as what it is."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.audit.harness import http_spec
from tests.cli.shell import evenhand, http, plan, shop

from evenhand.audit.authorise import authorise, is_local, shortcomings
from evenhand.audit.plan import Authorisation, Plan
from evenhand.audit.planhttp import HttpTarget
from evenhand.errors import AuthorisationError

PERMIT = Authorisation(
    kind="order", by="City", valid=("2026-11-01", "2026-12-31"), hosts=("acme.example",)
)


def part_of_a_plan(target: HttpTarget, permission: Authorisation | None = None) -> Plan:
    parts: dict[str, Any] = {"target": target, "authorisation": permission}
    return Plan.model_construct(**parts)


@pytest.mark.parametrize(
    ("where", "more"),
    [
        ("quote", {"url": "https://acme.example/quote"}),
        ("step", {"steps": {"view": {"url": "https://elsewhere.example/view"}}}),
        ("login", {"login": {"url": "https://elsewhere.example/", "capture": {"key": "$.key"}}}),
        (
            "release",
            {
                "steps": {
                    "cart": {
                        "url": "/cart",
                        "effect": "hold",
                        "release": {"url": "https://elsewhere.example/"},
                    }
                }
            },
        ),
    ],
)
def test_every_host_needs_permission(where, more):
    target = http_spec(**({"url": "https://acme.example/quote"} | more))
    planned = part_of_a_plan(target, PERMIT)
    told = [problem.message_id for problem in shortcomings(planned)]
    assert told == ([] if where == "quote" else ["authorise.host"])
    assert not is_local(planned)
    if where != "quote":
        with pytest.raises(AuthorisationError, match=r"elsewhere\.example"):
            authorise(planned, datetime(2026, 11, 25, tzinfo=UTC))


def test_a_server_here_with_a_step_elsewhere_is_not_local():
    target = http_spec("http://127.0.0.1:9/", steps={"view": {"url": "https://acme.example/"}})
    assert not is_local(part_of_a_plan(target))


def test_a_path_that_is_not_there_is_said_to_be_not_there(tmp_path):
    with shop() as one:
        path = plan(tmp_path, http(one.url("fair") + "/nowhere"))
        said = evenhand("plan", path, "--out", tmp_path / "run")
    assert said.code == 4
    assert "404 Not Found at /fair/nowhere ×" in said.err
