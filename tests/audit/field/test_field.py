"""Twelve testers over three days audit an app that asks more of new phones."""

from __future__ import annotations

import numpy as np
from tests.audit.field.field_for_tests import begun, fill, write

from evenhand.audit.field.intake import take_in
from evenhand.audit.field.sheets import head
from evenhand.audit.replay import opened, replay
from evenhand.audit.run import reopen, run
from evenhand.audit.seal import seal
from evenhand.audit.verify import verify

WRONG = {
    "field.two_prices": ("final", lambda cell: f"{cell} {cell}"),
    "field.currency": ("final", lambda cell: cell.replace("￥", "US$")),
    "field.no_amount": ("list", lambda _: "about thirty"),
    "field.id_mangled": ("id", lambda _: "1.2E+10"),
    "field.id_mistyped": ("id", lambda cell: cell[:-1] + ("A" if cell[-1] != "A" else "B")),
    "field.no_time": ("actual", lambda _: "morning"),
    "field.no_flag": ("notice", lambda _: "perhaps"),
    "field.cell_empty": ("final", lambda _: ""),
}


def test_twelve_testers_find_the_planted_difference(tmp_path):
    rng = np.random.default_rng(5)
    field = begun(tmp_path)
    honest = fill(field, rng)
    planted = {}
    for path, rows in honest.items():
        spoilt = [dict(row) for row in rows]
        for number in np.flatnonzero(rng.random(len(rows)) < 0.05).tolist():
            message = str(rng.choice(sorted(WRONG)))
            name, spoil = WRONG[message]
            spoilt[number][head(name)] = spoil(spoilt[number][head(name)])
            planted[path.name, number + 2] = message
        write(path, spoilt)
    assert len(planted) >= 5

    found = take_in(field.run, sorted(honest)).problems
    assert {(one.file, one.line): one.message_id for one in found} == planted

    for path, rows in honest.items():
        write(path, rows, "gb18030" if path.stem == "T03" else "utf-8-sig")
    done = take_in(field.run, sorted(honest))
    assert not done.problems
    assert done.left == 0
    assert done.corrected == 0
    assert take_in(field.run, sorted(honest)).new == 0

    audit, folder = reopen(field.run)
    run(audit, folder)
    (finding,) = folder.read_record().content.findings
    assert finding.verdict == "established"
    assert finding.percent is not None
    assert abs((finding.percent.estimate or 0) - 10) < 1
    assert folder.read_record().content.counts.failed == 0
    with opened(field.run) as case:
        assert replay(case).exact
    sealed = seal(field.run)
    assert verify(sealed.path)
    with opened(sealed.path) as case:
        assert replay(case).exact
