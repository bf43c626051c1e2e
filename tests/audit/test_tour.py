"""A run of sessions as evidence: sealed, verified, shown and recomputed like any other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.shell import TOUR, content, evenhand, plan, record, shop

from evenhand.audit.journal import Journal
from evenhand.audit.replay import opened, replay
from evenhand.audit.run import reopen
from evenhand.audit.seal import seal

WALK = "[register, look, hold, look, quote]"


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run of sessions."""
    folder = tmp_path_factory.mktemp("tour")
    with shop() as one:
        target = TOUR % {"url": one.url("tour"), "limits": "{concurrency: 32}"}
        path = plan(folder, target, session=WALK, queries=4000)
        said = evenhand("run", path, "--out", folder / "run")
        assert said.code == 0, said.text
        assert not one.held()
    return folder / "run"


def test_it_is_recomputed_from_its_own_folder_and_from_its_bundle(tour, tmp_path):
    with opened(tour) as case:
        assert replay(case).exact
    bundle = tmp_path / "tour.zip"
    seal(tour, bundle)
    assert evenhand("verify", bundle).code == 0
    with opened(bundle) as case:
        assert replay(case).exact


def test_every_step_of_it_can_be_shown_with_what_was_sent(tour):
    audit, folder = reopen(tour)
    with Journal.look(folder.journal) as journal:
        (first, *_) = journal.waves()
        replies = [json.loads(reply.body) for _, reply in journal.replies(0)]
    steps = first.wave.step[:5].tolist()
    assert [audit.study.steps[code] for code in steps] == [
        "register",
        "look",
        "hold",
        "look",
        "quote",
    ]
    name = f"{audit.lock.plan_sha256[:8]}-0-0004"
    shown = evenhand("show", tour, name).json
    sent = json.loads(shown["request"]["body"])
    assert sent["step"] == "quote"
    assert sent["token"] in {reply["token"] for reply in replies}
    assert shown["read"]["final"] == json.loads(shown["answers"][-1]["body"])["price"]
    registered = evenhand("show", tour, f"{audit.lock.plan_sha256[:8]}-0-0000").json
    assert sent["id"] == json.loads(registered["request"]["body"])["id"]


def test_its_counts_are_of_what_was_measured_and_its_holds_are_told(tour):
    counts = content(tour)["counts"]
    assert counts["failed"] == 0
    load = record(tour)["run"]["load"]
    assert load["holds_left"] == 0
    assert load["releases_sent"] > 0
