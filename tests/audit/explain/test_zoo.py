"""Explanations of whole runs on disk: the zoo's guilty vendors, and a run that is read again."""

from pathlib import Path

import numpy as np
import pytest

from evenhand.audit.planfile import parse
from evenhand.audit.run import begin, prepare, reopen, run
from evenhand.audit.trials import trial
from evenhand.errors import PausedError

EXAMPLES = Path(__file__).parents[3] / "examples"
REFERENCES = {"device": "android-budget", "past_spend": 200, "tenure": 0}
ROLES = {"device": "ability_to_pay", "past_spend": "ability_to_pay", "tenure": "habit"}
LEVELS = {"device": "iphone-new", "past_spend": 5000, "tenure": 36}
GUILTY = {
    "loyal_markup": "tenure",
    "rare_surcharge": "past_spend",
    "spend_ladder": "past_spend",
    "vans_only": "device",
}
"""Vendors of rides that look at one thing: the mean, a few contexts, a ladder, one kind of ride."""


def plan(vendor):
    """The example's plan, treating all three attributes of the fares."""
    text = (EXAMPLES / "loyal.yaml").read_text("utf-8")
    text = text.replace("loyal_markup.quote", f"{vendor}.quote")
    for name, level in REFERENCES.items():
        text = text.replace(f"    {name}: {level}\n", f'    {name}: "{{{{persona.{name}}}}}"\n')
    start, end = text.index("    tenure:\n"), text.index("    distance_km: {role")
    treated = "".join(
        f"    {name}: {{role: {ROLES[name]}, reference: {REFERENCES[name]}, "
        f"levels: [{LEVELS[name]}], because: {{zh: 测试, en: test}}}}\n"
        for name in REFERENCES
    )
    text = text[:start] + treated + text[end:]
    return text.replace("treat: [tenure]", "treat: [device, past_spend, tenure]")


@pytest.mark.parametrize(("vendor", "attribute"), list(GUILTY.items()))
def test_the_guilty_attribute_comes_first(vendor, attribute, tmp_path):
    audit = prepare(parse(plan(vendor), EXAMPLES / "loyal.yaml"))
    folder = begin(audit, tmp_path / "run")
    run(audit, folder)
    findings = folder.read_record().content.findings
    flagged = [one for one in findings if one.verdict in {"established", "indicated"}]
    assert [one.treatment for one in flagged] == [attribute]
    (found,) = [e for e in flagged[0].explanations if e.kind == "surrogate"]
    treated = [driver.name for driver in found.drivers if driver.name in REFERENCES]
    assert treated[:1] == [attribute]
    assert all(not one.explanations for one in findings if one not in flagged)


def test_a_run_that_is_read_again_is_explained_alike_and_shows_its_mixtures(tmp_path):
    text = plan("loyal_markup").replace(
        "levels: [36], because",
        "levels: [36], cues: {account: {0: {tenure: 0, device: android-budget}, "
        "36: {tenure: 36, device: iphone-new}}}, because",
    )
    text = text.replace("treat: [device, past_spend, tenure]", "treat: [tenure]")
    start = text.index("    device: {role")
    text = text[:start] + text[text.index("    past_spend: {role") :]
    audit = prepare(parse(text, EXAMPLES / "loyal.yaml"))
    folder = begin(audit, tmp_path / "run")
    conduct = run(audit, folder)
    before = folder.read_record()
    (finding,) = [one for one in before.content.findings if one.treatment == "tenure"]
    (made,) = [e for e in finding.explanations if e.kind == "decomposition"]
    assert [part.name for part in made.parts] == ["tenure", "device"]
    assert made.parts[1].effect.estimate == pytest.approx(0, abs=5e-3)
    turn = next(t for t in conduct.waves if t.question == f"explanation.fields.{finding.id}")
    place = int(np.flatnonzero(turn.wave.trial_column("arm") == 2)[0])
    seen = trial(folder.path, f"{audit.lock.plan_sha256[:8]}-{turn.number}-{place:04d}")
    assert '"tenure"' in seen["request"]["body"] or "tenure" in str(seen["request"])
    again, same = reopen(folder.path)
    run(again, same)
    assert same.read_record().content_sha256 == before.content_sha256

    def broken_off(_, turn, __):
        if turn is not None and turn.question.startswith("explanation."):
            raise PausedError("journal.stopped", number=turn.number, count=1)

    broken = begin(audit, tmp_path / "broken")
    with pytest.raises(PausedError):
        run(audit, broken, watch=broken_off)
    run(*reopen(broken.path))
    assert broken.read_record().content_sha256 == before.content_sha256
