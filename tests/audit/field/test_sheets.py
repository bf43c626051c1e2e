"""Sheets that come back late, corrected, from elsewhere, as xlsx, or twice; and who looks when."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from openpyxl import Workbook
from tests.audit.field.field_for_tests import begun, fill, table, write

from evenhand import cli
from evenhand.audit.field import ids
from evenhand.audit.field.intake import open_kit, print_sheets, take_in
from evenhand.audit.field.schedule import Place
from evenhand.audit.field.second import draw_second, record_second
from evenhand.audit.field.sheets import head
from evenhand.audit.run import reopen, run
from evenhand.errors import PausedError, UsageError


def commanded(capsys, *words):
    """Run a command; return its exit code, what it said and what it complained of."""
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--lang", "en"])
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


@pytest.fixture
def small(tmp_path):
    """A run of a hundred trials by nine testers."""
    return begun(tmp_path, testers=9, queries=100)


def test_arms_of_a_block_go_to_different_testers_in_one_window(small):
    kit = open_kit(small.run)
    waves = {turn.number: turn.wave for turn in kit.turns}
    blocks: dict[tuple[int, int], list[Place]] = {}
    for one in kit.schedule.places:
        block = int(waves[one.wave].trial_column("block")[one.place])
        blocks.setdefault((one.wave, block), []).append(one)
    assert all(len({one.window for one in rows}) == 1 for rows in blocks.values())
    assert all(len({one.tester for one in rows}) == len(rows) for rows in blocks.values())
    assert sum(len(rows) for rows in blocks.values()) == len(kit.schedule.places)


def test_every_block_of_a_probe_has_its_twin(small):
    wave = open_kit(small.run).turns[-1].wave
    arms = Counter(wave.trial_column("arm").tolist())
    assert arms[0] == arms[1] == arms[2] > 8


def test_testers_rotate_over_arms(tmp_path):
    field = begun(tmp_path, testers=3, queries=200, days=9, each=9)
    kit = open_kit(field.run)
    wave = kit.turns[-1].wave
    own = [one for one in kit.schedule.places if one.wave == kit.turns[-1].number]
    blocks, arms = wave.trial_column("block"), wave.trial_column("arm")
    whole = int(blocks.max() + 1) // 3 * 3
    seen = Counter((one.tester, int(arms[one.place])) for one in own if blocks[one.place] < whole)
    assert set(seen.values()) == {whole // 3}


def test_printing_again_changes_nothing_and_other_testers_are_refused(small, tmp_path):
    before = {path.name: path.read_bytes() for path in small.sheets.iterdir()}
    print_sheets(small.run, tmp_path / "testers.csv", small.sheets)
    assert {path.name: path.read_bytes() for path in small.sheets.iterdir()} == before
    (tmp_path / "testers.csv").write_text("tester,consent\nX1,C-1\n", "utf-8")
    with pytest.raises(UsageError) as told:
        print_sheets(small.run, tmp_path / "testers.csv", small.sheets)
    assert told.value.message_id == "field.other_testers"


def test_names_do_not_enter(small, tmp_path):
    (tmp_path / "named.csv").write_text("tester,consent,name\nT1,C-1,Li Lei\n", "utf-8")
    with pytest.raises(UsageError) as told:
        print_sheets(small.run, tmp_path / "named.csv", small.sheets)
    assert told.value.message_id == "field.testers_columns"


def test_a_page_is_self_contained_and_forbids_orders(small):
    page = (small.sheets / "T00.html").read_text("utf-8")
    assert "Do not place an order." in page
    assert "不要下单。" in page
    assert not re.search(r"<script|https?:|src=", page)


def test_a_late_row_is_kept_and_its_block_leaves(small):
    honest = fill(small, np.random.default_rng(1))
    kit = open_kit(small.run)
    one = next(one for one in kit.schedule.places if one.wave == kit.turns[-1].number)
    path = small.sheets / f"{one.tester}.csv"
    row = next(row for row in honest[path] if row[head("id")] == one.id)
    row[head("actual")] = "2026-12-09 23:00"
    write(path, honest[path])
    done = take_in(small.run, sorted(honest))
    assert (done.late, done.blocks_out, done.left) == (1, 1, 0)
    audit, folder = reopen(small.run)
    run(audit, folder)
    assert folder.read_record().content.counts.reasons == {"window": 3}


def test_a_correction_needs_a_reason_and_adds_a_version(small):
    honest = fill(small, np.random.default_rng(2))
    take_in(small.run, sorted(honest))
    path, rows = next(iter(honest.items()))
    rows[0][head("final")] = "1元"
    write(path, rows)
    assert [one.message_id for one in take_in(small.run, [path]).problems] == ["field.changed"]
    done = take_in(small.run, [path], reason="read again from the screenshot")
    assert (done.new, done.corrected, done.unchanged) == (0, 1, len(rows) - 1)
    assert take_in(small.run, [path]).unchanged == len(rows)


def test_a_row_twice_with_other_values_is_refused(small):
    path, rows = next(iter(fill(small, np.random.default_rng(3)).items()))
    write(path, [*rows, dict(rows[0], **{head("final"): "2"})])
    (problem,) = take_in(small.run, [path]).problems
    assert (problem.message_id, problem.line) == ("field.twice", len(rows) + 2)


def test_a_sheet_of_another_plan_is_refused(small, tmp_path):
    other = begun(tmp_path / "other", testers=9, queries=100, seed=8)
    path = next(iter(fill(other, np.random.default_rng(4))))
    found = {one.message_id for one in take_in(small.run, [path]).problems}
    assert found == {"field.id_other_plan"}


def test_spreadsheets_are_read_with_their_dates(small, tmp_path):
    honest = fill(small, np.random.default_rng(5))
    path, rows = next(iter(honest.items()))
    assert not take_in(small.run, [path]).problems
    book = Workbook()
    assert book.active is not None
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(tmp_path / "T.xlsx")
    assert take_in(small.run, [tmp_path / "T.xlsx"]).unchanged == len(rows)


def test_a_missing_screenshot_is_refused(tmp_path):
    field = begun(tmp_path, testers=9, queries=100, screenshots="true")
    path, rows = next(iter(fill(field, np.random.default_rng(6)).items()))
    with pytest.raises(UsageError) as told:
        take_in(field.run, [path])
    assert told.value.message_id == "field.screenshots_where"
    field.screenshots.mkdir()
    for number, row in enumerate(rows):
        row[head("screenshot")] = f"{number}.png"
        if number:
            (field.screenshots / f"{number}.png").write_bytes(bytes([number]))
    write(path, rows)
    (problem,) = take_in(field.run, [path], screenshots=field.screenshots).problems
    assert (problem.message_id, problem.line) == ("field.no_screenshot", 2)


def test_no_offer_is_a_refusal_and_not_a_price(small):
    honest = fill(small, np.random.default_rng(7))
    path, rows = next(iter(honest.items()))
    for name in ("final", "list", "notice"):
        rows[0][head(name)] = ""
    rows[0][head("no_offer")] = "sold out"
    write(path, rows)
    take_in(small.run, sorted(honest))
    audit, folder = reopen(small.run)
    run(audit, folder)
    assert folder.read_record().content.counts.refused == 1


def test_a_second_reader_agrees_or_not_and_the_annex_says_so(small, tmp_path):
    honest = fill(small, np.random.default_rng(8))
    finals = {}
    for path, rows in honest.items():
        for row in rows:
            row[head("screenshot")] = f"{row[head('id')]}.png"
            finals[row[head("id")]] = row
        write(path, rows)
    take_in(small.run, sorted(honest))
    audit, folder = reopen(small.run)
    run(audit, folder)
    out = tmp_path / "second.csv"
    drawn = draw_second(small.run, 0.1, out)
    assert drawn == -(-len(finals) // 10)
    rows = table(out)
    for row in rows:
        row |= {name: finals[row[head("id")]][name] for name in row}
    rows[0][head("final")] = "1"
    write(out, rows)
    found = record_second(small.run, out, by="R1")
    assert (found.read, found.alike, found.differ) == (drawn, drawn - 1, (rows[0][head("id")],))
    assert folder.read_annex()[-1]["second_reading"]["alike"] == drawn - 1


def test_a_run_waits_for_its_people_and_can_be_closed(small):
    audit, folder = reopen(small.run)
    with pytest.raises(PausedError) as told:
        run(audit, folder)
    assert told.value.message_id == "field.waiting"
    honest = fill(small, np.random.default_rng(9))
    paths = sorted(honest)
    done = take_in(small.run, paths[1:], close=True)
    assert done.left == 0
    run(audit, folder)
    assert folder.read_record().content.counts.reasons == {"not-held": len(honest[paths[0]])}


def test_the_command_line(small, capsys):
    where = str(small.run)
    code, _, told = commanded(capsys, "resume", where)
    assert (code, "field print" in told) == (6, True)
    honest = fill(small, np.random.default_rng(10))
    paths = [str(path) for path in sorted(honest)]
    rows = honest[min(honest)]
    write(min(honest), [dict(rows[0], **{head("final"): "12 13"}), *rows[1:]])
    for verb in ("check", "import"):
        code, said, told = commanded(capsys, "field", verb, where, *paths)
        assert code == 2
        assert told.startswith("T00.csv:2: 实付价 Final price: ")
    assert "not been brought back" in said
    write(min(honest), rows)
    assert commanded(capsys, "field", "import", where, *paths)[0] == 0
    assert commanded(capsys, "resume", where, "--quiet")[0] in {0, 1, 3}
    assert commanded(capsys, "report", where)[0] == 0
    code, _, told = commanded(capsys, "explain", where)
    assert (code, "cannot be explained live" in told) == (2, True)
    code, _, told = commanded(capsys, "field", "audit", where, "--share", "0", "--out", "x.csv")
    assert (code, "--share" in told) == (2, True)


def test_one_wrong_sign_and_two_that_changed_places_always_show():
    rng = np.random.default_rng(11)
    for number in rng.integers(0, ids.MOST, 50).tolist():
        one = ids.trial_id("KMA", number)
        signs = one.replace("-", "")
        near = {signs[:i] + s + signs[i + 1 :] for i in range(8) for s in ids.SIGNS}
        near |= {signs[:i] + signs[i + 1] + signs[i] + signs[i + 2 :] for i in range(7)}
        wrong = {ids.wrong(ids.normal(other), "KMA") for other in near - {signs}}
        assert wrong == {"mistyped"}
        assert ids.wrong(one, "KMA") is None
