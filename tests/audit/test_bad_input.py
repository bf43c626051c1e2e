"""What can go wrong outside, each through the real command: a clear sentence, the right code."""

import re
import resource
import socket
from pathlib import Path

import pytest
from tests.cli.shell import (
    SECOND,
    Shop,
    asks,
    begin,
    content,
    controls,
    ended,
    evenhand,
    http,
    plan,
    record,
    shop,
    until,
    verdicts,
)

from evenhand import messages
from evenhand.audit.folder import RunFolder
from evenhand.audit.lock import Lock

OUTSIDE, USAGE, UNSURE, SILENT, PAUSED = 1, 2, 3, 4, 6


@pytest.fixture(scope="module")
def store():
    with shop() as one:
        yield one


def run(folder: Path, target: str, *words: str, language: str = "en", **changes):
    path = plan(folder, target, **changes)
    return evenhand("run", path, "--out", folder / "run", "--lang", language, *words)


def on_file(run_: Path) -> int:
    return int(evenhand("status", run_, "--json").json["attempts"])


# --------------------------------------------------------------------- what the plan gets wrong


@pytest.mark.parametrize("language", messages.LANGUAGES)
@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("seed: 7", "sed: 7", ("plan.yaml:4", "seed")),
        ("queries: 1000", "queries: 50", ("budget.queries", "63")),
        ("[device]", "[devise]", ("probes[0].treat[0]", "device")),
        ("unit: yuan", "unit: fenn", ("target.money.unit", "fen")),
        ("people.csv", "people.tsv", ("personas.population", "people.tsv")),
        ("{{persona.age}}", "{{persona.aged}}", ("target.request.age", "age")),
        ("seed: 7", "seed: 7\n  - x", ("plan.yaml:4",)),
    ],
)
def test_a_mistake_in_a_plan_is_told_with_its_place(tmp_path, language, before, after, told):
    path = plan(tmp_path, asks())
    path.write_text(path.read_text("utf-8").replace(before, after, 1), "utf-8")
    said = evenhand("run", path, "--out", tmp_path / "run", "--lang", language)
    assert (said.code, said.out) == (USAGE, "")
    for part in told:
        assert part in said.err
    # units of money are listed under all their names
    chinese = re.search(
        r"[\u4e00-\u9fff]", said.err.replace("元", "").replace("角", "").replace("分", "")
    )
    assert bool(chinese) is (language == "zh")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00\x01\x02", b"evenhand: 1", b"- a\n- b", b"\xff\xfe\xff" * 100, b"a: &x [*x]"],
)
def test_a_file_that_is_no_plan_is_told_so(tmp_path, data):
    path = tmp_path / "plan.yaml"
    path.write_bytes(data)
    said = evenhand("check", path)
    assert (said.code, said.out) == (USAGE, "")
    assert said.err.strip()


def test_a_folder_in_the_place_of_a_plan_and_a_file_in_the_place_of_a_run(tmp_path):
    assert evenhand("check", tmp_path).code == USAGE
    path = plan(tmp_path, asks())
    assert evenhand("run", path, "--out", path).code == PAUSED
    assert evenhand("show", path).code == USAGE


@pytest.mark.parametrize(
    ("items", "rows"), [("items.csv", "id,base\n"), ("items.csv", ""), ("items.csv", "id\na\na\n")]
)
def test_an_item_list_that_is_empty_or_names_one_twice(tmp_path, items, rows):
    (tmp_path / items).write_text(rows, "utf-8")
    said = run(tmp_path, asks(), items=f"items: {items}")
    assert (said.code, said.out) == (USAGE, "")
    assert "items" in said.err


def test_an_account_that_a_pool_names_twice(tmp_path):
    (tmp_path / "accounts.csv").write_text("id\nann\nbob\nann\n", "utf-8")
    for language in messages.LANGUAGES:
        pool = "{source: pool, file: accounts.csv}"
        said = run(tmp_path, asks(), identities=pool, language=language)
        assert (said.code, said.out) == (USAGE, "")
        assert "ann" in said.err
        assert "identities" in said.err


def test_an_empty_population(tmp_path):
    path = plan(tmp_path, asks())
    (tmp_path / "people.csv").write_text("age\n", "utf-8")
    said = evenhand("run", path)
    assert (said.code, said.out) == (USAGE, "")


def test_a_missing_secret_and_a_host_without_permission(tmp_path):
    target = http("http://127.0.0.1:9/quote", more='\n  headers: {x: "${NO_SUCH_TOKEN}"}')
    said = run(tmp_path, target)
    assert said.code == USAGE
    assert "NO_SUCH_TOKEN" in said.err
    said = run(tmp_path / "b", http("https://quotes.acme.example/quote"))
    assert said.code == USAGE
    assert "quotes.acme.example" in said.err


# ------------------------------------------------------------------ what the vendor gets wrong


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_a_host_that_cannot_be_reached(tmp_path, language):
    target = http(f"http://127.0.0.1:{closed_port()}/quote")
    said = run(tmp_path, target, language=language)
    assert (said.code, said.out) == (SILENT, "")
    head = messages.text("errors.target_silent", language, reasons="").split("（")[0].split("(")[0]
    assert head in said.err
    assert "network" in said.err
    assert on_file(tmp_path / "run") <= 60
    assert not (tmp_path / "run/record.json").exists()


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("always500", "network"),
        ("malformed", "format"),
        ("nan", "format"),
        ("negative", "format"),
        ("missing", "format"),
        ("hostile", "400 Bad Request at /hostile"),
        ("unauthorised", "auth"),
        ("forbidden", "blocked"),
        ("captcha", "blocked"),
        ("login", "blocked"),
        ("toomany", "rate"),
    ],
)
def test_a_vendor_that_never_gives_a_price(tmp_path, store, mode, reason):
    said = run(tmp_path, http(store.url(mode)))
    assert (said.code, said.out) == (SILENT, "")
    assert re.search(rf"{reason} × \d+", said.err)
    assert "refused" not in said.err
    # a run of failures ends it; what was under way by then depends on how busy the machine is
    assert sum(store.asked()[mode].values()) <= 90


def test_what_fails_once_is_asked_again_and_nothing_is_missing(tmp_path, store):
    said = run(tmp_path, http(store.url("sometimes500")))
    assert said.code == 0, said.text
    counts = content(tmp_path / "run")["counts"]
    assert counts["failed"] == 0
    assert set(store.asked()["sometimes500"].values()) == {1, 2}
    assert record(tmp_path / "run")["run"]["attempts"] > counts["planned"]


def test_a_question_that_is_never_answered_in_time_fails_and_the_rest_is_judged(tmp_path, store):
    said = run(tmp_path, http(store.url("timeouts"), limits="{attempts: 1, timeout: 150ms}"))
    counts = content(tmp_path / "run")["counts"]
    assert 0 < counts["failed"] < counts["planned"] / 10
    assert counts["reasons"].keys() == {"network"}
    assert said.code in {0, UNSURE}
    assert content(tmp_path / "run")["findings"][0]["mean"] == "inside"


def test_prices_that_are_not_numbers_for_some_are_failures_and_the_rest_is_judged(tmp_path, store):
    said = run(tmp_path, http(store.url("somenan")))
    counts = content(tmp_path / "run")["counts"]
    assert counts["reasons"].keys() == {"format"}
    assert counts["answered"] + counts["failed"] == counts["planned"]
    # who got no price counts against the vendor's share, so it may stay open; nobody is accused
    assert said.code in {0, UNSURE}, said.text
    assert content(tmp_path / "run")["findings"][0]["mean"] == "inside"


def test_a_foreign_currency_is_never_a_price(tmp_path, store):
    said = run(tmp_path, http(store.url("mixed")))
    counts = content(tmp_path / "run")["counts"]
    assert counts["reasons"].keys() == {"format"}
    assert said.code in {0, UNSURE}
    examples = content(tmp_path / "run")["findings"][0]
    assert abs(examples["percent"]["estimate"]) < 5


def test_fen_where_yuan_was_said_is_there_to_be_seen(tmp_path, store):
    path = plan(tmp_path, http(store.url("fen")))
    for language, wording in (("en", "for one night"), ("zh", "每晚")):
        out = tmp_path / language
        said = evenhand("plan", path, "--out", out, "--lang", language)
        assert said.code == 0
        amounts = re.findall(rf"CNY ([\d,]+)\.00(?: |，){wording}", said.out)
        assert len(amounts) == 3
        assert all(float(amount.replace(",", "")) > 10_000 for amount in amounts)
    right = plan(tmp_path, http(store.url("fen")), name="right.yaml", unit="fen")
    said = evenhand("plan", right, "--out", tmp_path / "right", "--json")
    assert all(100 < amount < 500 for amount in said.json["prices"])


@pytest.mark.parametrize("ruled", [True, False])
def test_a_refusal_counts_as_one_only_by_a_rule(tmp_path, store, ruled):
    rule = ", refused: {path: $.status, equals: sold_out}" if ruled else ""
    response = f"{{final: $.price, currency: $.currency{rule}}}"
    said = run(tmp_path, http(store.url("refuses"), response=response))
    counts = content(tmp_path / "run")["counts"]
    assert (counts["refused"] > 0) is ruled
    assert (counts["failed"] > 0) is not ruled
    assert said.code == 0, said.text


def test_a_price_of_zero_is_an_answer(tmp_path):
    said = run(tmp_path, asks("free_for_some"))
    counts = content(tmp_path / "run")["counts"]
    assert counts["failed"] == counts["refused"] == 0
    assert counts["answered"] == counts["planned"]
    assert said.code in {0, UNSURE}


def test_arms_that_are_blocked_unequally_clear_nothing_and_accuse_nobody(tmp_path, store):
    said = run(tmp_path, http(store.url("unequal")))
    assert said.code == UNSURE
    assert controls(tmp_path / "run")["access"] is False
    assert verdicts(tmp_path / "run") == {"device": "inconclusive"}
    assert content(tmp_path / "run")["counts"]["refused"] == 0


def test_an_attribute_that_is_not_sent_is_not_delivered_and_the_others_are_decided(tmp_path):
    said = run(tmp_path, asks(), attributes=SECOND.rstrip(), treat="[colour, device]")
    assert said.code == UNSURE
    assert verdicts(tmp_path / "run") == {"colour": "inconclusive", "device": "cleared"}
    colour = next(
        one for one in content(tmp_path / "run")["findings"] if one["treatment"] == "colour"
    )
    for language in messages.LANGUAGES:
        assert colour["reason"][language] == messages.text("audit.reason_not_delivered", language)
    assert controls(tmp_path / "run")["delivery"] is False


def test_without_a_positive_control_nothing_is_cleared(tmp_path):
    said = run(tmp_path, asks(), controls="{}")
    assert said.code == UNSURE
    assert verdicts(tmp_path / "run") == {"device": "inconclusive"}
    assert messages.text("audit.reason_positive", "en") in said.out


@pytest.mark.parametrize("queries", [63, 120])
def test_a_budget_that_ends_too_soon_is_inconclusive_and_says_so(tmp_path, queries):
    said = run(tmp_path, asks(), queries=queries)
    assert said.code == UNSURE
    assert content(tmp_path / "run")["counts"]["planned"] <= queries
    found = content(tmp_path / "run")["findings"][0]
    assert found["verdict"] == "inconclusive"
    assert found["reason"] is not None or found["queries_needed"] > 0
    if found["queries_needed"]:
        needed = f"{found['queries_needed']:,}"
        assert messages.text("audit.reason_budget", "en", queries=needed) in said.out


def test_hostile_text_of_a_vendor_reaches_no_terminal(tmp_path, store):
    assert run(tmp_path, http(store.url("hostile"))).code == SILENT
    lock = Lock.from_bytes((tmp_path / "run/plan.lock.json").read_bytes())
    trials = [
        evenhand("show", tmp_path / "run", f"{lock.plan_sha256[:8]}-0-{place:04}")
        for place in (0, 59)
    ]
    assert [said.code for said in trials] == [0, 0]
    answered, last = (said.json for said in trials)
    assert "owned" in answered["answers"][0]["body"]
    assert answered["read"]["reason"] == "format"
    # how many were asked before the run gave up is a matter of speed
    assert (last["read"] is None) == (last["answers"] == [])
    RunFolder(tmp_path / "run").set_journal_aside()
    again = evenhand("show", tmp_path / "run", answered["id"])
    assert again.json["answers"] == answered["answers"]
    assert len(trials[0].out) < 50_000
    assert not set(trials[0].out) & set("\x1b\x07\u202e\u2066")


# ------------------------------------------------------------------- what the machine gets wrong


def test_a_vendor_that_dies_half_way_stops_the_run_which_goes_on_when_it_is_back(tmp_path):
    undisturbed, broken = tmp_path / "undisturbed", tmp_path / "broken"
    with shop() as alive:
        port = alive.port
        path = plan(tmp_path, http(alive.url("slow"), limits="{concurrency: 16, attempts: 4}"))
        assert evenhand("run", path, "--out", undisturbed).code == 0
    one = Shop(port)
    try:
        child = begin("run", path, "--out", broken, "--lang", "en")
        until(lambda: sum(one.asked().get("slow", {}).values()) > 100, child)
    finally:
        one.close(roughly=True)
    said = ended(child)
    assert said.code == SILENT, said.text
    assert "evenhand resume" in said.err
    sent = on_file(broken)
    again = evenhand("resume", broken, "--lang", "zh")
    assert again.code == SILENT
    assert "evenhand resume" in again.err
    assert on_file(broken) - sent <= 60
    with shop(port):
        assert evenhand("resume", broken).code == 0
    # the last of a wave were asked four times in vain if it died just there
    assert content(broken)["counts"]["failed"] <= 16
    if not content(broken)["counts"]["failed"]:
        assert content(broken) == content(undisturbed)


def test_a_second_runner_is_sent_away(tmp_path):
    path = plan(tmp_path, asks("hangs"))
    child = begin("run", path, "--out", tmp_path / "run")
    try:
        until((tmp_path / "run/plan.lock.json").exists, child)
        until(lambda: on_file(tmp_path / "run") > 0, child)
        for language in messages.LANGUAGES:
            said = evenhand("resume", tmp_path / "run", "--lang", language)
            assert (said.code, said.out) == (USAGE, "")
            journal = tmp_path / "run/journal.sqlite"
            assert said.err.strip() == messages.text("journal.busy", language, path=journal)
        assert child.poll() is None
    finally:
        child.kill()
        child.communicate()


def test_a_disk_that_fills_up_loses_nothing(tmp_path):
    path = plan(tmp_path, asks())

    def small() -> None:
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))

    for language in messages.LANGUAGES:
        child = begin("run", path, "--out", tmp_path / "run", "--lang", language, preexec_fn=small)
        said = ended(child)
        assert (said.code, said.out) == (PAUSED, ""), said.text
        assert "evenhand resume" in said.err
    assert on_file(tmp_path / "run") > 0
    whole = tmp_path / "whole"
    assert evenhand("run", path, "--out", whole).code == 0
    assert evenhand("resume", tmp_path / "run").code == 0
    assert content(tmp_path / "run") == content(whole)


def test_a_report_that_cannot_be_written_leaves_the_record(tmp_path):
    path = plan(tmp_path, asks())
    run_ = tmp_path / "run"
    assert evenhand("plan", path, "--out", run_).code == 0
    (run_ / "report.json").mkdir()
    said = evenhand("resume", run_, "--lang", "en")
    assert said.code == PAUSED
    assert (run_ / "record.json").is_file()


def test_a_damaged_journal_and_a_damaged_lock_are_evidence_that_does_not_verify(tmp_path):
    path = plan(tmp_path, asks())
    for name in ("journal.sqlite", "plan.lock.json"):
        run_ = tmp_path / name
        assert evenhand("plan", path, "--out", run_).code == 0
        (run_ / name).write_bytes(b"no longer what it was" * 100)
        said = evenhand("resume", run_, "--lang", "en")
        assert said.code == 5, said.text
        assert said.err.strip()
    run_ = tmp_path / "gone"
    assert evenhand("plan", path, "--out", run_).code == 0
    (run_ / "plan.lock.json").unlink()
    assert evenhand("run", path, "--out", run_).code == 5


def test_a_damaged_record_is_said_and_can_be_made_anew(tmp_path):
    run_ = tmp_path / "run"
    assert run(tmp_path, asks()).code == 0
    before = content(run_)
    for damage in (b"", b"{}", b'{"evenhand": 2}', b"\xff\xfe"):
        (run_ / "record.json").write_bytes(damage)
        for language in messages.LANGUAGES if damage else ("en",):
            said = evenhand("show", run_, "--lang", language)
            where = run_ / "record.json"
            assert (said.code, said.out) == (5, "")
            assert said.err.strip() == messages.text("errors.damaged", language, path=where)
    (run_ / "record.json").unlink()
    assert evenhand("resume", run_).code == 0
    assert content(run_) == before
    (run_ / "annex.jsonl").write_bytes(b"nothing\n")
    assert evenhand("report", run_).code == 5
