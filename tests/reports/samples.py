"""Records of audits as a run would leave them: all four verdicts, two currencies, a hostile vendor."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import rfc8785

from evenhand.audit.record import (
    Agreement,
    AtLimit,
    AttributeNote,
    Clause,
    Content,
    Contribution,
    Control,
    Counterfactual,
    Counts,
    Decomposition,
    DefenceRow,
    Driver,
    ExamplePair,
    Explanation,
    Finding,
    Limits,
    NotTestable,
    Range,
    Record,
    Run,
    Setting,
    Subgroup,
    Surrogate,
    Text,
    Trial,
)
from evenhand.datasets import rules

LIMIT = Limits(
    ratio=0.01,
    share=0.02,
    beyond=0.02,
    direction="any",
    because=Text(zh="每晚两元以内的差别用户感觉不到。", en="Nobody notices two yuan a night."),
)
HOSTILE = (
    "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>"
    "\u202egnp.exe\u2066\u200b\x1b[31m\x00{{7*7}}{% raw %}' \" & </style></title>"
)


def text(zh: str, en: str) -> Text:
    return Text(zh=zh, en=en)


def log_ratio(estimate: float, low: float, high: float) -> Range:
    ends = (math.log1p(value / 100) for value in (estimate, low, high))
    return Range(
        **dict(zip(("estimate", "low", "high"), ends, strict=True)),
        unit="log-ratio",
        level=0.983,
        time_uniform=True,
    )


def percent(estimate: float, low: float, high: float) -> Range:
    return Range(estimate=estimate, low=low, high=high, unit="percent", level=0.983)


def money(estimate: float, low: float, high: float, currency: str = "CNY") -> Range:
    return Range(
        estimate=estimate, low=low, high=high, unit="money", currency=currency, per="night"
    )


def share(estimate: float | None, low: float, high: float, beyond: float = 0.02) -> Range:
    return Range(estimate=estimate, low=low, high=high, unit="share", level=0.983, beyond=beyond)


def defences(**status: Any) -> list[DefenceRow]:
    return [
        DefenceRow(
            id=known["id"],
            status=status.get(known["id"], "not_tested"),
            statement=Text(
                **known["ruled_out" if known["id"] in status else "open"],
            ),
        )
        for known in rules.defences()
    ]


def trial(number: int, arm: str, level: str, price: float | None, **seen: str) -> Trial:
    return Trial(
        id=f"7f3a9c01-3-{number:04d}",
        arm=arm,
        level=level,
        outcome="refused" if price is None else "answered",
        values={"final": price},
        seen={"nights": "1", "room": "大床房", **seen},
    )


def parts(*names: str, currency: str = "CNY") -> list[Contribution]:
    """Contributions that halve from one to the next; every third takes away."""
    out = []
    for i, name in enumerate(names):
        size = (-1 if i % 3 == 2 else 1) * 4.0 / 2**i
        out.append(
            Contribution(
                name=name,
                label=text(name, name),
                effect=log_ratio(size / 2, size / 2 - 0.3, size / 2 + 0.3),
                money=money(size, size - 0.6, size + 0.6, currency),
                share=size / 6.1,
                alone=percent(size / 2, size / 2 - 0.3, size / 2 + 0.3),
            )
        )
    return out


def explanations(label: str = "手机型号", *, agrees: bool = False) -> list[Explanation]:
    """One of each kind: several attributes, the fields of a cue, a subgroup, a surrogate."""
    agreement = Agreement(
        explained=percent(2.1, 1.8, 2.4), tested=percent(3.0, 2.4, 3.6), agrees=agrees
    )
    return [
        Decomposition(
            scope="attributes",
            findings=["F01", "F02"],
            gap=log_ratio(3.0, 2.4, 3.6),
            percent=percent(3.0, 2.4, 3.6),
            money=money(6.1, 4.9, 7.2),
            parts=parts(label, "past_spend", "tenure", "coupon", "channel", "city", "hour"),
            together=log_ratio(0.9, 0.5, 1.3),
            method="permutations",
            contexts=212,
            n_excluded=3,
            queries=1696,
            agreement=agreement,
            counterfactual=Counterfactual(
                back=["device", "past_spend"],
                labels=[text(label, label), text("消费水平", "spending level")],
                remaining=percent(0.4, 0.2, 0.6),
            ),
        ),
        Decomposition(
            scope="fields",
            findings=["F01"],
            gap=log_ratio(3.0, 2.4, 3.6),
            percent=percent(3.0, 2.4, 3.6),
            money=None,
            parts=[part.model_copy(update={"money": None}) for part in parts("user_agent", label)],
            together=None,
            method="enumeration",
            contexts=64,
            n_excluded=0,
            queries=256,
            agreement=agreement.model_copy(update={"agrees": True}),
            counterfactual=Counterfactual(back=["a"], labels=[text("a", "a")], remaining=None),
        ),
        Subgroup(
            clauses=[
                Clause(name="hour", label=text(label, label), relation="above", value=18.0),
                Clause(name="city", label=text("城市", "city"), relation="is", value=label),
            ],
            part_of_frame=0.23,
            inside=percent(6.2, 4.8, 7.7),
            elsewhere=percent(0.1, -0.4, 0.6),
            confirmed=agrees,
            blocks=128,
            queries=256,
        ),
        Surrogate(
            fidelity=0.93,
            floor=0.8,
            fitted=1240,
            held_out=410,
            drivers=[
                Driver(name="km", label=text("里程", "distance"), role="condition", percent=31.0),
                Driver(name="device", label=text(label, label), role="ability_to_pay", percent=2.9),
            ],
            agreement=agreement,
        ),
    ]


def finding(**changes: Any) -> Finding:
    """The model finding F01: beyond the limit."""
    base: dict[str, Any] = {
        "id": "F01",
        "kind": "price.device",
        "probe": "pricing.twins",
        "question": text("手机型号会不会影响房价？", "Does the phone model change the room price?"),
        "treatment": "device",
        "label": text("手机型号", "phone model"),
        "role": "ability_to_pay",
        "level": "iphone-new",
        "reference": "android-budget",
        "level_label": text("新款手机", "a new phone"),
        "reference_label": text("入门机型", "an entry-level one"),
        "cues": ["user agent"],
        "outcome": "final",
        "primary": True,
        "verdict": "established",
        "mean": "outside",
        "share_verdict": "outside",
        "real": True,
        "direction": "dearer",
        "reason": None,
        "effect": log_ratio(3.0, 2.4, 3.6),
        "percent": percent(3.0, 2.4, 3.6),
        "money": money(6.1, 4.9, 7.2),
        "share": share(0.97, 0.93, 1.0),
        "share_dearer": share(0.97, 0.93, 1.0),
        "share_cheaper": share(0.0, 0.0, 0.03),
        "single_quotes": share(0.91, 0.86, 0.95),
        "twin_beyond": share(0.06, 0.03, 0.1),
        "limits": LIMIT,
        "at_limits": [
            AtLimit(scale=0.5, verdict="established"),
            AtLimit(scale=1.0, verdict="established"),
            AtLimit(scale=2.0, verdict="established"),
        ],
        "evalue": 4.1e6,
        "adjusted": 7.3e-7,
        "guarantee": "finite-sample",
        "method": text(
            "均值用有界变量的下注置信序列，比例用重问方案下的下注上界。",
            "Betting confidence sequence for the bounded mean; betting bound of the share under re-asking.",
        ),
        "unit": "block",
        "n": 212,
        "n_excluded": 3,
        "queries": 5580,
        "smallest_detectable": 0.004,
        "queries_needed": None,
        "strength": "medium",
        "strength_reasons": [text("仅用一种外在线索", "only one cue was used")],
        "defences": defences(
            random_trial="ruled_out_by_design",
            time_and_stock="ruled_out_by_design",
            new_customer_offer="not_applicable",
        ),
        "examples": [
            ExamplePair(
                treated=trial(41, "treated", "iphone-new", 338.0),
                reference=trial(42, "reference", "android-budget", 328.0),
            )
        ],
        "explanations": explanations(),
    }
    return Finding.model_validate(base | changes)


def within(**changes: Any) -> Finding:
    """The model finding F03: within the limit."""
    return finding(
        **{
            "id": "F03",
            "kind": "price.loyalty",
            "question": text("老用户是不是付得更多？", "Do returning customers pay more?"),
            "treatment": "tenure",
            "label": text("用户新老", "length of membership"),
            "role": "habit",
            "level": "36",
            "reference": "0",
            "level_label": text("老用户", "returning"),
            "reference_label": text("新用户", "new"),
            "verdict": "cleared",
            "mean": "inside",
            "share_verdict": "inside",
            "real": False,
            "direction": "none",
            "effect": log_ratio(0.1, -0.3, 0.5),
            "percent": percent(0.1, -0.3, 0.5),
            "money": money(0.2, -0.6, 1.0),
            "share": share(0.0, 0.0, 0.019),
            "share_dearer": None,
            "share_cheaper": None,
            "single_quotes": share(0.01, -0.02, 0.04),
            "at_limits": [
                AtLimit(scale=0.5, verdict="inconclusive"),
                AtLimit(scale=1.0, verdict="cleared"),
                AtLimit(scale=2.0, verdict="cleared"),
            ],
            "evalue": 1.3,
            "adjusted": 1.0,
            "n": 412,
            "strength": "strong",
            "strength_reasons": [text("两种外在线索一致", "two cues agree")],
            "examples": [],
        }
        | changes
    )


def unknown(**changes: Any) -> Finding:
    """The model finding F05: cannot tell yet."""
    return finding(
        **{
            "id": "F05",
            "kind": "price.coupon",
            "question": text(
                "优惠券是否随消费水平而不同？", "Do coupons depend on spending level?"
            ),
            "treatment": "past_spend",
            "label": text("消费水平", "spending level"),
            "level": "5000",
            "reference": "200",
            "level_label": None,
            "reference_label": None,
            "verdict": "inconclusive",
            "mean": "undecided",
            "share_verdict": "undecided",
            "real": False,
            "direction": "none",
            "effect": Range(estimate=None, low=None, high=None, unit="log-ratio"),
            "percent": None,
            "money": None,
            "share": share(None, 0.0, 0.072),
            "share_dearer": None,
            "share_cheaper": None,
            "single_quotes": None,
            "twin_beyond": None,
            "at_limits": [],
            "evalue": 0.8,
            "adjusted": 1.0,
            "unit": "account",
            "n": 40,
            "queries": 80,
            "queries_needed": 220,
            "smallest_detectable": None,
            "strength": None,
            "strength_reasons": [],
            "examples": [],
        }
        | changes
    )


def real(**changes: Any) -> Finding:
    """A difference that is real, its size not settled."""
    return finding(
        **{
            "id": "F04",
            "kind": "price.protected_group",
            "question": text("国籍会不会影响房价？", "Does nationality change the room price?"),
            "treatment": "country",
            "label": text("国籍", "nationality"),
            "role": "protected",
            "level": "GBR",
            "reference": "PRT",
            "level_label": None,
            "reference_label": None,
            "verdict": "indicated",
            "mean": "undecided",
            "share_verdict": "not_estimable",
            "effect": log_ratio(0.9, 0.2, 1.6),
            "percent": percent(0.9, 0.2, 1.6),
            "money": money(1.8, 0.4, 3.2),
            "share": None,
            "share_dearer": None,
            "share_cheaper": None,
            "queries_needed": 3400,
            "strength": None,
            "strength_reasons": [],
            "examples": [
                ExamplePair(
                    treated=trial(7, "treated", "GBR", None),
                    reference=trial(8, "reference", "PRT", 301.5),
                )
            ],
        }
        | changes
    )


def treatment(name: str, zh: str, en: str, role: str, reference: str, level: str) -> AttributeNote:
    return AttributeNote(
        name=name,
        label=text(zh, en),
        role=role,
        reference=reference,
        levels=[level],
        cues=[],
        because=text("与房间成本无关。", "It has nothing to do with the room's cost."),
        carried=True,
    )


def setting(**changes: Any) -> Setting:
    base: dict[str, Any] = {
        "title": text("某平台酒店报价测试", "Hotel quotes of a platform"),
        "vendor": "Acme",
        "auditor": "Example Audit Ltd",
        "commissioned_by": "City ethics committee",
        "paid_by": "City ethics committee",
        "conflicts": "none declared",
        "authorisation": {
            "kind": "consent",
            "by": "Acme",
            "reference": "A-17",
            "valid": ["2026-11-20", "2026-12-20"],
            "hosts": ["quotes.acme.example"],
            "max": {"rps": 20.0, "per_day": 20000},
        },
        "target": {"kind": "http", "address": "quotes.acme.example", "batch": 1},
        "money": {"currency": "CNY", "unit": "yuan", "per": "night", "includes": ["tax", "fee"]},
        "identities": "fresh",
        "personas": 5000,
        "items": 240,
        "attributes": [
            AttributeNote(
                name="device",
                label=text("手机型号", "phone model"),
                role="ability_to_pay",
                reference="android-budget",
                levels=["iphone-new"],
                cues=["user agent"],
                because=text(
                    "手机型号与房间成本无关。", "The phone has nothing to do with the room's cost."
                ),
                carried=True,
            ),
            treatment("past_spend", "消费水平", "spending level", "ability_to_pay", "200", "5000"),
            treatment("tenure", "用户新老", "length of membership", "habit", "0", "36"),
            treatment("country", "国籍", "nationality", "protected", "PRT", "GBR"),
            AttributeNote(
                name="nights",
                label=text("晚数", "nights"),
                role="condition",
                reference=None,
                levels=["1", "2"],
                cues=[],
                because=None,
                carried=True,
            ),
        ],
        "alpha": 0.05,
        "alpha_clear": 0.05,
        "hypotheses": 4,
        "seed": 20261123,
        "budget": 20000,
        "jurisdictions": ["CN-Shenzhen", "CN", "EU"],
        "item_label": text("间房", "room"),
        "items_label": text("房型", "rooms"),
    }
    return Setting.model_validate(base | changes)


CONTROLS = [
    Control(
        kind="twins",
        passed=True,
        statement=text(
            "同款互换 1,000 次，误报 41 次。", "Of 1,000 swaps of twins, 41 were accused."
        ),
    ),
    Control(
        kind="positive",
        passed=True,
        statement=text("两晚比一晚贵，符合预期。", "Two nights cost more than one, as they must."),
    ),
    Control(
        kind="delivery",
        passed=True,
        statement=text("变动因素都已送达。", "Every treatment reached the vendor."),
    ),
    Control(
        kind="access",
        passed=True,
        statement=text("未取得的询价与变动因素无关。", "Failures do not go with the treatments."),
    ),
]


def record(*findings: Finding, **changes: Any) -> Record:
    """A whole record; without findings it holds one of each verdict."""
    about = {key: changes.pop(key) for key in list(changes) if key in Setting.model_fields}
    base: dict[str, Any] = {
        "plan_sha256": "a1" * 32,
        "lock_sha256": "b2" * 32,
        "waves": ["c3" * 32, "d4" * 32],
        "setting": setting(**about),
        "counts": Counts(
            planned=11_480,
            answered=11_395,
            refused=62,
            failed=23,
            analysed=11_210,
            reasons={"network": 19, "blocked": 4},
        ),
        "controls": CONTROLS,
        "findings": list(findings or (finding(), within(), real(), unknown())),
        "not_testable": [
            NotTestable(
                probe="steering.ranking",
                reason=text("接口不返回排序。", "The interface returns no ranking."),
            )
        ],
    }
    content = Content.model_validate(base | changes)
    canonical = rfc8785.dumps(content.model_dump(mode="json"))
    return Record(
        content=content,
        content_sha256=hashlib.sha256(canonical).hexdigest(),
        run=Run(
            started="2026-11-23T09:00:00+08:00",
            ended="2026-11-24T17:30:00+08:00",
            versions={"evenhand": "0.1.0", "numpy": "2.3.5", "python": "3.11.2"},
            commit="75d418a",
            dirty=False,
            attempts=11_612,
            load={
                "requests_per_second_asked": 20.0,
                "requests_per_second_reached": 19.4,
                "latency_median": 0.0831,
            },
        ),
    )


def many(n: int) -> Record:
    """As many findings, of every verdict in turn."""
    makers = (finding, within, real, unknown)
    return record(*(makers[i % 4](id=f"F{i:03d}") for i in range(n)))


def uncontrolled() -> Record:
    """An audit whose controls were not asked."""
    return record(controls=[])


def annex(made: Record) -> list[dict[str, Any]]:
    return [
        {
            "kind": "reply",
            "by": "Acme",
            "role": "vendor",
            "time": "2026-12-01",
            "record_sha256": made.content_sha256,
            "finding": "F01",
            "text": "We use the device to choose images.\nPrices are not meant to depend on it.",
        },
        {
            "kind": "decision",
            "by": "Ethics committee",
            "role": "chair",
            "time": "2026-12-10",
            "record_sha256": "00" * 32,
            "text": "整改后上线 / approved after changes",
            "file": "minutes.pdf",
            "sha256": "ee" * 32,
        },
        decision(made, "reject"),
        decision(made, "approve-after-changes", supersedes="ab" * 32),
    ]


def decision(made: Record, option: str, **changes: Any) -> dict[str, Any]:
    """A decision as the command puts it into the annex."""
    members = [
        {"name": "王敏", "role": "chair", "conflict": "none", "present": True, "vote": "for"},
        {"name": HOSTILE, "role": "", "conflict": HOSTILE, "present": True, "vote": "against"},
        {"name": "赵云", "role": "law", "conflict": "无", "present": False, "vote": "none"},
    ]
    return {
        "kind": "decision",
        "by": "王敏",
        "role": "chair",
        "time": "2026-12-11T03:04:05+00:00",
        "record_sha256": made.content_sha256,
        "text": "报价随手机型号变化。\nQuotes follow the phone model.",
        "file": "decision.yaml",
        "sha256": "ff" * 32,
        "decision": {
            "procedure": "ethics-initial",
            "option": option,
            "decided": "2026-12-10",
            "members": members,
            "counted": [1, 1, 0],
            "reasons": "…",
            "conditions": ["三个月内整改 / within 3 months"],
            "next_review": "2027-06-30",
            "warnings": [{"zh": "到会 2 人，少于 5 人。", "en": "2 were present, fewer than 5."}],
            **changes,
        },
    }


def euro() -> Record:
    """A vendor that quotes in euro, with a share hit and a small real difference."""
    some = finding(
        id="F01",
        mean="inside",
        share_verdict="outside",
        percent=percent(0.42, 0.31, 0.55),
        effect=log_ratio(0.42, 0.31, 0.55),
        money=money(0.44, 0.32, 0.57, "EUR"),
        share=share(0.051, 0.034, 0.071, 0.05),
        share_dearer=share(0.048, 0.03, 0.07, 0.05),
        share_cheaper=share(0.003, 0.0, 0.01, 0.05),
        level_label=None,
        reference_label=None,
    )
    small = within(
        id="F02",
        real=True,
        percent=percent(-0.31, -0.42, -0.2),
        effect=log_ratio(-0.31, -0.42, -0.2),
        money=money(-0.32, -0.44, -0.21, "EUR"),
        direction="cheaper",
    )
    cheaper = finding(
        id="F03",
        direction="cheaper",
        percent=percent(-12.4, -15.1, -9.3),
        effect=log_ratio(-12.4, -15.1, -9.3),
        money=money(-13.1, -16.0, -9.8, "EUR"),
        share=share(0.62, 0.55, 0.7),
        share_dearer=share(0.0, 0.0, 0.02),
        share_cheaper=share(0.62, 0.55, 0.7),
    )
    return record(
        some,
        small,
        cheaper,
        money={"currency": "EUR", "unit": "euro", "per": "night", "includes": ["tax"]},
        item_label=None,
        items_label=None,
    )


def hostile() -> Record:
    """A vendor, a plan and an annex that write what they should not."""
    bad = text(HOSTILE, HOSTILE)
    one = finding(
        question=bad,
        label=bad,
        level=HOSTILE,
        reference=HOSTILE,
        level_label=bad,
        reference_label=None,
        cues=[HOSTILE],
        explanations=explanations(HOSTILE, agrees=True),
        examples=[
            ExamplePair(
                treated=trial(1, "treated", HOSTILE, 1.0, room=HOSTILE),
                reference=trial(2, "reference", HOSTILE, 1.0, room=HOSTILE),
            )
        ],
    )
    return record(
        one,
        title=bad,
        vendor=HOSTILE + "长" * 5000,
        authorisation={"kind": HOSTILE, HOSTILE: HOSTILE},
        target={"kind": "http", "address": HOSTILE},
        item_label=bad,
    )
