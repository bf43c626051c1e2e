"""Audits that compare no price by an attribute: recorded, compared with a later one, asked again."""

import pytest
from tests.audit.evidence_for_tests import finished_by

from evenhand.audit.compare import compare
from evenhand.audit.folder import RunFolder
from evenhand.audit.planfile import load
from evenhand.audit.recheck import recheck
from evenhand.audit.run import prepare
from evenhand.cli import evidence as commands
from evenhand.messages import use

REFUSALS = {
    "use: pricing.twins": "use: access.refusal",
    "ratio: 5%": "difference: 5%",
    "  money:": (
        "  response: {final: $.price, refused: {path: $.status, equals: sold out}}\n  money:"
    ),
}
PATHS = {
    "use: pricing.twins": "use: pricing.path",
    "    treat: [device]\n": "    options: {paths: {again: [quote, quote]}}\n",
}


@pytest.fixture(scope="module")
def choosy(tmp_path_factory):
    return finished_by(
        tmp_path_factory.mktemp("choosy"), "vendors_for_tests:choosy", changes=REFUSALS
    )


@pytest.fixture(scope="module")
def mended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mended")
    return finished_by(folder, "vendors_for_tests:open_to_all", changes=REFUSALS, seed=11)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    return finished_by(tmp_path_factory.mktemp("walked"), "vendors_for_tests:quote", changes=PATHS)


def finding(run):
    (one,) = RunFolder.existing(run).read_record().content.findings
    return one


def test_a_record_tells_a_refusal_in_points_and_says_what_the_reference_meets(choosy):
    one = finding(choosy)
    assert (one.verdict, one.effect.unit, one.direction) == ("established", "rate", "more")
    assert one.percent is one.money is None
    assert one.points is not None
    assert one.points.low is not None
    assert one.points.high is not None
    assert one.points.low < 90 < one.points.high
    assert one.base == 0.0


def test_a_change_of_refusals_is_shown_in_points(choosy, mended):
    (one,) = compare(choosy, mended).changes
    assert (one.unit, one.movement) == ("rate", "smaller")
    assert one.low is not None
    assert one.high is not None
    assert one.low <= -0.9 <= one.high < 0
    use("en")
    try:
        line = commands._line(one)
    finally:
        use(None)
    assert "points" in line
    assert "%" not in line


def test_a_path_is_recorded_compared_and_asked_again(walked, tmp_path):
    one = finding(walked)
    assert one.done
    assert (one.treatment, one.level) == ("path", "again")
    assert compare(walked, walked).changes[0].movement == "none"
    made = recheck(walked, tmp_path / "again.yaml", seed=5, findings=[one.id])
    (tmp_path / "again.yaml").write_text(made.text, "utf-8")
    again = prepare(load(tmp_path / "again.yaml"))
    assert made.hypotheses == len(again.lock.hypotheses) == 1
    assert again.lock.hypotheses[0].subject is not None
