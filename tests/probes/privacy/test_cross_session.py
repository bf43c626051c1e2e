"""Devices that were used before: a vendor that keys its memory by device, and one that does not."""

from dataclasses import replace

import numpy as np
import pytest

from evenhand.datasets.personas import Attribute
from evenhand.probes.design import TREATED, Observed
from evenhand.probes.privacy.cross_session import EARLIER, CrossSession
from evenhand.probes.protocol import Seen
from evenhand.probes.shares import Limit

LIMIT = Limit.of(ratio=0.01, share=0.02, beyond=0.05)


class Cache:
    """Asks so much more of whoever comes by a device that it has seen under another name."""

    def __init__(self, markup, noise=0.005):
        self.markup, self.noise, self.known = markup, noise, {}

    def __call__(self, seen, rng):
        prices = np.empty(len(seen["device"]))
        # in the order of asking: earlier sessions first
        for row in np.argsort(seen["late"], kind="stable").tolist():
            device, who = int(seen["device"][row]), (seen["wave"], int(seen["session"][row]))
            known = self.known.setdefault(device, who) != who
            jitter = np.exp(self.noise * rng.standard_normal())
            prices[row] = seen["base"][row] * (1 + seen["nights"][row]) * jitter
            prices[row] *= 1 + self.markup * known * (device > 0)
        return {"final": prices}


def study(shop, devices=3_000, steps=("view", "quote")):
    found = shop.study({"final": "price"}, treated=(), steps=steps)
    device = Attribute(
        name="device", role="private", kind="privacy.excess", levels=tuple(range(devices + 1))
    )
    attributes = {**found.attributes, "device": device}
    return replace(found, attributes=attributes, carried=found.carried | {"device"})


def asked(shop, cache, *, seed=0, devices=3_000):
    """Conduct it, telling the vendor which trials come late."""
    probe, study_ = CrossSession(shared="device", limit=LIMIT), study(shop, devices)
    waves: list[int] = []

    def law(seen, rng):
        counts = np.bincount(seen["session"])
        waves.append(len(waves))
        device = np.asarray(seen["device"])
        # an earlier session walks two steps, all others one
        late = counts[seen["session"]] < 2
        return cache({**seen, "device": device, "late": late, "wave": len(waves)}, rng)

    return shop.rehearse(probe, law, study_, seed=seed, queries=9_000)


@pytest.mark.parametrize(("markup", "verdict"), [(0.0, "cleared"), (0.05, "established")])
@pytest.mark.parametrize("seed", range(2))
def test_a_cache_that_knows_devices_is_told_from_one_that_does_not(shop, markup, verdict, seed):
    conduct = asked(shop, Cache(markup), seed=seed)
    assert set(shop.labels(conduct).values()) == {verdict}


def first(shop, trials=9_000, devices=3_000):
    probe, study_ = CrossSession(shared="device", limit=LIMIT), study(shop, devices)
    ids = frozenset(h.id for h in probe.hypotheses(study_))
    seen = Seen(observed=Observed(), undecided=ids, trials_left=trials)
    return probe.design(study_, seen, np.random.default_rng(3))


def test_every_session_has_a_device_of_its_own_but_the_earlier_one(shop):
    wave = first(shop)
    device, late = wave.overrides["device"], wave.arm != EARLIER
    assert len(np.unique(device[late])) == late.sum()
    assert 0 not in device
    for block in np.unique(wave.block):
        own = wave.block == block
        used = device[own & (wave.arm == EARLIER)]
        assert device[own & (wave.arm == TREATED)].tolist() == used.tolist()
    assert set(wave.stage[wave.trial_column("arm") == EARLIER].tolist()) == {0}
    assert set(wave.stage[wave.trial_column("arm") != EARLIER].tolist()) == {1}
    assert np.all(np.diff(wave.block) >= 0)


def test_it_ends_where_no_device_is_left(shop):
    conduct = asked(shop, Cache(0.0), devices=60)
    (decision,) = conduct.decisions.values()
    assert decision.label == "inconclusive"
    waves = [
        w for turn in conduct.waves if turn.question.startswith("privacy") for w in [turn.wave]
    ]
    used = np.concatenate([w.overrides["device"][w.arm != EARLIER] for w in waves])
    assert len(np.unique(used)) == len(used) <= 60


def test_too_few_devices_and_unknown_steps_are_told(shop):
    probe = CrossSession(shared="device")
    assert "at least 48" in str(probe.lacks(study(shop, devices=10)))
    assert probe.lacks(study(shop)) is None
    assert "fly" in str(replace(probe, before=("fly",)).lacks(study(shop)))
