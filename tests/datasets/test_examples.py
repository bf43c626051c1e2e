"""The plans that are shipped as examples are plans."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from evenhand.audit import planfile
from evenhand.audit.resolve import resolve
from evenhand.datasets import populations, rules, vendors
from evenhand.datasets.vendors.truth import enumerated

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
    effect = vendors.get(plan.target.function.split(":")[-1].split(".")[0]).truth.of(treated)

    assert (effect.reference, (effect.level,)) == (part.reference, part.levels)
    assert probe.tolerance is not None
    limits = (probe.tolerance.ratio, probe.tolerance.share, probe.tolerance.beyond)
    assert limits == (0.01, 0.02, 0.05)
    assert plan.budget.queries == 20_000


@pytest.mark.parametrize("name", ["fair", "loyal", "rare"])
def test_the_truth_holds_on_the_frame_that_the_plan_resolves_to(name: str) -> None:
    loaded = planfile.load(EXAMPLES / f"{name}.yaml")
    study = resolve(loaded)
    assert loaded.plan.target.kind == "python"
    vendor = vendors.get(loaded.plan.target.function.split(":")[-1].split(".")[0])
    (treated,) = loaded.plan.probes[0].treat
    said = vendor.truth.of(treated)

    cells = list(product(range(len(study.personas)), study.items.columns["id"], (0, 1)))
    people, rides, stops = (np.array(column) for column in zip(*cells, strict=True))
    home = {"device": "android-budget", "past_spend": 200, "tenure": 0}
    frame = {
        **{key: np.full(len(cells), value) for key, value in home.items()},
        **{key: column[people] for key, column in study.personas.columns.items()},
        "ride": rides,
        "stops": stops,
    }
    found = enumerated(
        vendor.centre, frame, reference={treated: said.reference}, level={treated: said.level}
    )

    assert study.attributes["stops"].levels == (0, 1)
    assert found.side == said.side
    assert abs(found.share - said.share) <= 4 * (said.share * (1 - said.share) / len(cells)) ** 0.5
    assert abs(found.mean - said.mean) < 0.0015


def test_the_hotel_plan_treats_what_the_vendor_knows_of_a_guest() -> None:
    plan = planfile.load(EXAMPLES / "hotel.yaml").plan
    roles = {plan.personas.attributes[name].role for name in plan.probes[0].treat}

    assert roles == {"habit", "protected", "preference"}
