"""Records of real runs that no rehearsal makes: a recorded log, and people with sheets."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from tests.audit.field.field_for_tests import begun, fill
from tests.servers.plans import plan

from evenhand.audit.field.intake import take_in
from evenhand.audit.planfile import load
from evenhand.audit.record import Record
from evenhand.audit.run import begin, prepare, reopen, run


def log() -> Record:
    """A log of bookings in which new phones paid 5 % more: real, and no more can be said."""
    rng = np.random.default_rng(3)
    rows = 12_000
    frame = pd.DataFrame(
        {
            "phone": rng.choice(["android-budget", "iphone-new"], rows),
            "spend": rng.choice([200, 5000], rows),
            "nights": rng.choice([1, 2], rows),
            "base": rng.choice([100.0, 150.5], rows),
        }
    )
    dearer = np.where(frame["phone"] == "iphone-new", 1.05, 1.0)
    price = frame["base"] * frame["nights"] * dearer * rng.normal(1, 0.005, rows)
    frame["price"] = price.round(2)
    with TemporaryDirectory() as made:
        folder = Path(made)
        frame.to_csv(folder / "log.csv", index=False)
        target = {"kind": "table", "file": "log.csv", "response": {"final": "$.price"}}
        audit = prepare(load(plan(folder, target)))
        kept = begin(audit, folder / "run")
        run(audit, kept)
        return kept.read_record()


def field() -> Record:
    """Twelve testers whose app asks a tenth more of new phones."""
    with TemporaryDirectory() as made:
        kit = begun(Path(made))
        take_in(kit.run, sorted(fill(kit, np.random.default_rng(5))))
        audit, folder = reopen(kit.run)
        run(audit, folder)
        return folder.read_record()
