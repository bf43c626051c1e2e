"""``evenhand vendors``: the zoo, what an auditor would ask of each vendor, and what is true of it."""

from __future__ import annotations

import json
from dataclasses import asdict

from ..datasets import vendors
from ..datasets.vendors.telling import told
from ..messages import language, text
from . import view


def show(name: str, *, json_: bool) -> None:
    """Print the zoo by groups, or one vendor.

    Raises
    ------
    UsageError
        If there is no vendor of that name.
    """
    if json_:
        names = [name] if name else list(vendors.names())
        every = [_data(vendors.get(known)) for known in names]
        view.out(json.dumps(every, ensure_ascii=False, indent=1))
        return
    if name:
        _one(vendors.get(name))
        return
    for group in vendors.GROUPS:
        view.out(text(f"vendors.group_{group}"))
        for known in vendors.names(group):
            _one(vendors.get(known))


def _one(vendor: vendors.Vendor) -> None:
    question = vendor.truth.question[language()]
    view.out(text("cli.vendor_line", name=vendor.name, question=question))
    for sentence in told(vendor, language()):
        view.out(f"  {sentence}")


def _data(vendor: vendors.Vendor) -> dict[str, object]:
    truth = asdict(vendor.truth)
    effects = [{**asdict(one), "unit": one.unit, "side": one.side} for one in vendor.truth.effects]
    return {"name": vendor.name, "group": vendor.group, **truth, "effects": effects}
