"""Plans to begin with are plans, and say why in words."""

import pytest

from evenhand.audit import planfile, templates
from evenhand.audit.check import check
from evenhand.audit.resolve import resolve
from evenhand.errors import UsageError
from evenhand.probes import registry


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("name", templates.names())
def test_a_template_is_a_plan_that_can_reach_a_verdict(tmp_path, name, language):
    path = tmp_path / "plan.yaml"
    path.write_text(templates.template(name, language), "utf-8")
    loaded = planfile.load(path)
    study = resolve(loaded)
    hypotheses = [
        hypothesis
        for entry in loaded.plan.probes
        for hypothesis in registry.make(entry.use, entry.model_dump()).hypotheses(study)
    ]
    result = check(loaded, study, hypotheses)
    assert result.reachable
    assert result.warnings == ()


@pytest.mark.parametrize("name", templates.names())
def test_comments_are_in_the_language_that_was_chosen(name):
    def comments(language: str) -> list[str]:
        rows = templates.template(name, language).splitlines()
        return [row for row in rows if row.lstrip().startswith("# ")]

    def chinese(text: str) -> bool:
        return any("一" <= sign <= "鿿" for sign in text)

    assert not any(map(chinese, comments("en")))
    assert sum(map(chinese, comments("zh"))) >= 10


@pytest.mark.parametrize("name", templates.names())
def test_the_language_of_a_template_changes_words_and_not_the_audit(tmp_path, name):
    plans = {
        language: planfile.parse(templates.template(name, language), tmp_path / "x").plan
        for language in ("zh", "en")
    }
    ours, theirs = (plan.model_dump(exclude={"audit"}) for plan in plans.values())
    assert ours == theirs


def test_an_unknown_template_is_refused_with_what_was_meant():
    with pytest.raises(UsageError) as caught:
        templates.template("hotle", "en")
    assert "Did you mean hotel?" in caught.value.text("en")
    assert "own-model" in caught.value.text("zh")
