"""The plans that are shipped as examples are plans."""

from pathlib import Path

import pytest

from evenhand.audit import planfile
from evenhand.datasets import populations, rules, vendors

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_read_without_a_mistake_or_a_warning(name: str) -> None:
    loaded = planfile.load(EXAMPLES / f"{name}.yaml")

    assert not [problem.text("en") for problem in loaded.warnings]


@pytest.mark.parametrize("name", NAMES)
def test_every_attribute_is_named_and_every_treatment_has_its_reason(name: str) -> None:
    attributes = planfile.load(EXAMPLES / f"{name}.yaml").plan.personas.attributes
    for attribute in attributes.values():
        assert attribute.label is not None
        assert attribute.label.zh != attribute.label.en
        if attribute.role != "condition":
            assert attribute.because is not None
            assert attribute.kind is None or attribute.kind in rules.finding_kinds()


@pytest.mark.parametrize("name", NAMES)
def test_every_column_of_the_population_is_a_condition(name: str) -> None:
    personas = planfile.load(EXAMPLES / f"{name}.yaml").plan.personas
    columns = set(populations.load(personas.population or "").columns) - {"weight"}

    assert columns <= set(personas.attributes)
    assert all(personas.attributes[column].role == "condition" for column in columns)


@pytest.mark.parametrize("name", ["fair", "loyal", "rare"])
def test_a_planted_plan_treats_one_level_whose_truth_is_known(name: str) -> None:
    plan = planfile.load(EXAMPLES / f"{name}.yaml").plan
    (probe,) = plan.probes
    (treated,) = probe.treat
    part = plan.personas.attributes[treated]
    assert plan.target.kind == "python"
    effect = vendors.get(plan.target.function.split(":")[0].split(".")[-1]).truth.effects[treated]

    # the frame on which test_vendors.py enumerates the truth
    assert plan.personas.population == "demo-city"
    assert plan.personas.attributes["stops"].levels == (0, 1)
    assert (effect.reference, (effect.level,)) == (part.reference, part.levels)
    assert probe.tolerance is not None
    limits = (probe.tolerance.ratio, probe.tolerance.share, probe.tolerance.beyond)
    assert limits == (0.01, 0.02, 0.05)
    assert plan.budget.queries == 20_000


def test_the_hotel_plan_treats_what_the_vendor_knows_of_a_guest() -> None:
    plan = planfile.load(EXAMPLES / "hotel.yaml").plan
    roles = {plan.personas.attributes[name].role for name in plan.probes[0].treat}

    assert roles == {"habit", "protected", "preference"}
