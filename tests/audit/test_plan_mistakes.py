"""Every mistake in a plan is one message: line, key, what it must be, what it got, the near miss."""

import re
from pathlib import Path

import pytest

from evenhand.audit import planfile
from evenhand.errors import PlanError, Problem

GOOD = """\
evenhand: 1
audit:
  title: {zh: 酒店报价测试, en: Hotel quotes}
  vendor: Acme
  commissioned_by: City
  paid_by: City
  conflicts: none declared
authorisation:
  kind: order
  by: City
  valid: [2026-11-20, 2026-12-20]
  hosts: [quotes.acme.example]
  hours: 09:00-18:00 Asia/Shanghai
  max: {rps: 20, per_day: 20000}
seed: 20261123
target:
  kind: http
  url: https://quotes.acme.example/quote
  request:
    user: {id: "{{identity}}", device: "{{persona.device}}", spend: "{{persona.spend}}"}
    nights: "{{persona.nights}}"
    trial: "{{trial}}"
  headers: {authorization: "Bearer ${ACME_TOKEN}"}
  response:
    final: $.price.final
    refused: {path: $.status, equals: sold_out}
  money: {currency: CNY, unit: yuan, per: night, includes: [tax, fee]}
  limits: {requests_per_second: 20, concurrency: 8, timeout: 5s, attempts: 4}
identities: {source: fresh, format: "u-{hex:16}"}
personas:
  attributes:
    device:
      role: ability_to_pay
      reference: android-budget
      levels: [iphone-new]
      because: 手机型号透露支付能力。
      cues:
        agent:
          android-budget: {device: Mozilla A}
          iphone-new: {device: Mozilla B}
    spend:
      role: ability_to_pay
      reference: 200
      levels: [5000]
      because: {zh: 消费, en: spending}
    nights: {role: condition, levels: [1, 2]}
probes:
  - use: pricing.twins
    treat: [device, spend]
    direction: any
    tolerance: {ratio: 1%, share: ２％, beyond: 5%, because: 与日常调价相当}
controls:
  positive: {attribute: nights, from: 1, to: 2, expect: dearer}
budget: {queries: 20000}
decide: {alpha: 0.05, alpha_clear: 5%}
report: {languages: [zh, en], formats: [html, json]}
"""

# what is replaced, by what, the key that is named, a word of the message, the near miss
MISTAKES = [
    ("evenhand: 1\n", "evenhand: 2\n", "evenhand", "one of", None),
    ("  vendor: Acme\n", "  vendr: Acme\n", "audit.vendr", "no such key", "vendor"),
    ("  vendor: Acme\n", "", "audit.vendor", "missing", None),
    ("  vendor: Acme\n", "  vendor: 12\n", "audit.vendor", "must be text, got 12", None),
    ("  vendor: Acme\n", "  vendor: '  '\n", "audit.vendor", "say something", None),
    ("  vendor: Acme\n", "  vendor: Acme\n  vendor: Bcme\n", "audit.vendor", "line 4 already", None),
    ("  kind: order\n", "  kind: ordre\n", "authorisation.kind", "one of order", "order"),
    ("2026-11-20,", "20.11.2026,", "authorisation.valid[0]", "a date such as", None),
    ("2026-11-20,", "2026-13-20,", "authorisation.valid[0]", "a date such as", None),
    ("2026-11-20,", "2027-11-20,", "authorisation.valid", "not be later", None),
    ("[2026-11-20, 2026-12-20]", "[2026-11-20]", "authorisation.valid[1]", "missing", None),
    ("Asia/Shanghai", "Asia/Shanghia", "authorisation.hours", "from-to zone", None),
    ("09:00-18:00", "9-18", "authorisation.hours", "from-to zone", None),
    ("  by: City\n", "  by: City\n  file: consent.pdf\n", "authorisation.file", "no such file", None),
    ("seed: 20261123", "seed: -1", "seed", "at least 0, got -1", None),
    ("seed: 20261123", "seed: true", "seed", "whole number, got true", None),
    ("seed: 20261123", "seed: 9007199254740993", "seed", "at most", None),
    ("  kind: http\n", "  kind: htpp\n", "target.kind", "one of", "http"),
    ("  kind: http\n", "", "target.kind", "missing", None),
    ("https://quotes", "htps://quotes", "target.url", "begins with http", None),
    ("https://quotes", "https://me:pw@quotes", "target.url", "user name or a password", None),
    ("https://quotes", "https://{{persona.devise}}.quotes", "target.url", "stands for nothing", "persona.device"),
    ("persona.spend}}", "persona.spemd}}", "target.request.user.spend", "stands for nothing", "persona.spend"),
    ("{{persona.nights}}", "{{persona.nights * 2}}", "target.request.nights", "do not compute", "persona.nights"),
    ("{{persona.nights}}", "{{item.sku}}", "target.request.nights", "stands for nothing", None),
    ("{{persona.nights}}", "{{persona.nights", "target.request.nights", "do not match", None),
    ('    trial: "{{trial}}"', '    "{{trial}}": 1', "target.request.{{trial}}", "cannot stand in a key", None),
    ("${ACME_TOKEN}", "abc123", "target.headers.authorization", "must not be written", None),
    ("${ACME_TOKEN}", "${ACME TOKEN}", "target.headers.authorization", "letters, digits", None),
    ("commissioned_by: City", "commissioned_by: ${CITY}", "audit.commissioned_by", "can only stand in", None),
    ("$.price.final", "price.final", "target.response.final", "JSONPath", None),
    ("$.status,", "'$.status[',", "target.response.refused.path", "JSONPath", None),
    ("    final: $.price.final\n", "", "target.response.final", "where it stands", None),
    ("{path: $.status, equals: sold_out}", "{status: '404'}", "target.response.refused.status[0]", "whole number", None),
    ("{path: $.status, equals: sold_out}", "{path: $.status}", "target.response.refused.equals", "missing", None),
    ("{path: $.status, equals: sold_out}", "sold_out", "target.response.refused", "must be a mapping", None),
    ("currency: CNY", "currency: cny", "target.money.currency", "three capital letters", None),
    ("unit: yuan", "unit: yaun", "target.money.unit", "unit of CNY must be", "yuan"),
    ("unit: yuan", "unit: cent", "target.money.unit", "unit of CNY must be", None),
    ("per: night, includes", "includes", "target.money.per", "missing", None),
    ("  money: {currency: CNY, unit: yuan, per: night, includes: [tax, fee]}\n", "", "target.money", "what an amount is", None),
    ("requests_per_second: 20", "requests_per_secund: 20", "target.limits.requests_per_secund", "no such key", "requests_per_second"),
    ("requests_per_second: 20", "requests_per_second: 0", "target.limits.requests_per_second", "greater than 0", None),
    ("timeout: 5s", "timeout: 5 apples", "target.limits.timeout", "a time such as", None),
    ("timeout: 5s", "timeout: [5]", "target.limits.timeout", "a time such as", None),
    ("concurrency: 8", "concurrency: 8.5", "target.limits.concurrency", "whole number", None),
    ("concurrency: 8", "concurrency: 5000", "target.limits.concurrency", "at most 1024", None),
    ("source: fresh", "source: pool", "identities.file", "file of accounts", None),
    ("source: fresh", "source: fresh, tied: [device]", "identities.tied", "goes with source: pool", None),
    ("source: fresh", "source: pool, file: a.csv, tied: [devise]", "identities.tied[0]", "no “devise”", "device"),
    ("source: fresh", "source: pool, file: a.csv, tied: [device]", "identities.assigned", "lot (drawn by lot)", None),
    ("source: fresh", "source: pool, file: a.csv, assigned: lot, tied: [nights]", "identities.tied[0]", "may list treatments only", None),
    ("u-{hex:16}", "u-{hex}", "identities.format", "must hold {hex:N}", None),
    ("u-{hex:16}", "{digits:6}", "identities.format", "too short", None),
    ("role: ability_to_pay\n      reference: android", "role: ability\n      reference: android", "personas.attributes.device.role", "one of ability_to_pay", "ability_to_pay"),
    ("      because: 手机型号透露支付能力。\n", "", "personas.attributes.device.because", "why device is tested", None),
    ("because: {zh: 消费, en: spending}", "because: {zh: 消费}", "personas.attributes.spend.because.en", "missing", None),
    ("      reference: 200\n", "", "personas.attributes.spend.reference", "reference level", None),
    ("      levels: [5000]\n", "", "personas.attributes.spend.levels", "at least one level", None),
    ("levels: [5000]", "levels: [5000, 200.0]", "personas.attributes.spend.levels[1]", "given twice", None),
    ("levels: [5000]", "levels: [5000, '5000']", "personas.attributes.spend.levels[1]", "given twice", None),
    ("levels: [5000]", "levels: 5000", "personas.attributes.spend.levels", "must be a list", None),
    ("levels: [5000]", "levels: [[5000]]", "personas.attributes.spend.levels[0]", "must be one value", None),
    ("levels: [5000]", "levels: [12345678901234567]", "personas.attributes.spend.levels[0]", "quotes around it", None),
    ("levels: [5000]", "levels: [5000]\n      kind: price.loyal", "personas.attributes.spend.kind", "one of", "price.loyalty"),
    ("levels: [5000]", "levels: [5000]\n      level_labels: {500: x}", "personas.attributes.spend.level_labels.500", "no level", "5000"),
    ("          iphone-new: {device: Mozilla B}\n", "", "personas.attributes.device.cues.agent", "does not show", None),
    ("          iphone-new: {", "          iphone-old: {", "personas.attributes.device.cues.agent.iphone-old", "no level", "iphone-new"),
    ("iphone-new: {device: ", "iphone-new: {devise: ", "personas.attributes.device.cues.agent", "same fields", None),
    ("{role: condition, levels: [1, 2]}", "{role: condition}", "personas.attributes.nights.levels", "must have levels", None),
    ("{role: condition, levels: [1, 2]}", "{role: condition, reference: 1, levels: [1, 2]}", "personas.attributes.nights.reference", "no reference", None),
    ("use: pricing.twins", "use: pricing.twin", "probes[0].use", "no probe", "pricing.twins"),
    ("treat: [device, spend]", "treat: [devise, spend]", "probes[0].treat[0]", "no “devise”", "device"),
    ("treat: [device, spend]", "treat: [device, nights]", "probes[0].treat[1]", "is a condition", None),
    ("treat: [device, spend]", "treat: [device, device]", "probes[0].treat[1]", "twice", None),
    ("treat: [device, spend]", "treat: []", "probes[0].treat", "at least one attribute", None),
    ("direction: any", "direction: harmful", "probes[0].direction", "one of any, harm", "harm"),
    ("direction: any", "outcome: lists", "probes[0].outcome", "one of final, list", "list"),
    ("direction: any", "outcome: list", "target.response.list", "where it stands", None),
    ("ratio: 1%", "ratio: 1", "probes[0].tolerance.ratio", "One per cent is written", None),
    ("ratio: 1%", "ratio: a bit", "probes[0].tolerance.ratio", "a fraction such as", None),
    ("ratio: 1%", "ratio: [1]", "probes[0].tolerance.ratio", "a fraction such as", None),
    ("ratio: 1%", "ratio: 0%", "probes[0].tolerance.ratio", "greater than 0", None),
    (", because: 与日常调价相当", "", "probes[0].tolerance.because", "missing", None),
    ("attribute: nights", "attribute: night", "controls.positive.attribute", "must move a condition", "nights"),
    ("attribute: nights", "attribute: device", "controls.positive.attribute", "must move a condition", None),
    ("from: 1,", "from: 3,", "controls.positive.from", "one of the condition's levels", None),
    ("from: 1,", "from: '1',", "controls.positive.from", "one of the condition's levels", None),
    ("from: 1,", "from: 2,", "controls.positive.to", "two different levels", None),
    ("queries: 20000", "queries: 40", "budget.queries", "at least 64", None),
    ("queries: 20000", "queries: 20000, attempts: 100", "budget.attempts", "at least the 20000", None),
    ("queries: 20000", "queries: many", "budget.queries", "whole number", None),
    ("alpha: 0.05", "alpha: 0.7", "decide.alpha", "less than 0.5", None),
    ("formats: [html,", "formats: [htm,", "report.formats[0]", "one of html, pdf", "html"),
    ("budget: {queries: 20000}\n", "budget: 20000\n", "budget", "must be a mapping", None),
    ("seed: 20261123\n", "seed: 20261123\nitems: rooms.csv\n", "items", "no such file", None),
]  # fmt: skip


def broken(old: str, new: str) -> str:
    assert GOOD.count(old) >= 1, old
    return GOOD.replace(old, new, 1)


def problems_of(text: str, folder: Path) -> tuple[Problem, ...]:
    with pytest.raises(PlanError) as caught:
        planfile.parse(text, folder / "plan.yaml")
    return caught.value.problems


def line_of(text: str, key: str) -> int:
    """Where the innermost part of `key` that is in the file stands, found without a YAML reader."""
    rows = text.replace('"', "").split("\n")
    found, start, stop = 1, 0, len(rows)
    for part in key.replace("[", ".[").split("."):
        if part.startswith("["):
            continue
        here = re.compile(rf"(?:^|[\s{{,]){re.escape(part)}:(?:\s|$)")
        place = next((n for n in range(start, stop) if here.search(rows[n])), None)
        if place is None:
            break
        found, start = place + 1, place
        depth = len(rows[place]) - len(rows[place].lstrip())
        after = (n for n in range(place + 1, stop) if rows[n][: depth + 1].strip())
        stop = next(after, stop)
    return found


def test_the_plan_that_is_broken_below_is_whole(tmp_path):
    loaded = planfile.parse(GOOD, tmp_path / "plan.yaml")
    assert loaded.warnings == ()


def test_there_are_enough_mistakes():
    assert len(MISTAKES) >= 40


@pytest.mark.parametrize(("old", "new", "key", "says", "near"), MISTAKES, ids=repr)
def test_a_mistake_is_told_with_line_and_key(tmp_path, old, new, key, says, near):
    text = broken(old, new)
    (tmp_path / "a.csv").write_text("id\na\n")
    found = problems_of(text, tmp_path)
    told = [problem for problem in found if problem.key == key]
    assert len(told) == 1, [problem.text("en") for problem in found]
    (problem,) = told
    english, chinese = problem.text("en"), problem.text("zh")
    wanted = line_of(text, key)
    # a key that is given twice is told at the second
    assert problem.line == (wanted + 1 if "already" in says else wanted)
    assert english.startswith(f"plan.yaml:{problem.line}: {key}: ")
    assert says in english
    assert any("一" <= sign <= "鿿" for sign in chinese)
    assert (f"Did you mean {near}?" in english) == (near is not None)
    assert (f"是不是想写 {near}？" in chinese) == (near is not None)


def test_mistakes_come_together_and_in_the_order_of_the_file(tmp_path):
    text = broken("vendor: Acme", "vendr: Acme").replace("treat: [device", "treat: [devise")
    text = text.replace("unit: yuan", "unit: li").replace("from: 1,", "from: 7,")
    found = problems_of(text, tmp_path)
    assert [problem.key for problem in found] == [
        "audit.vendr",
        "target.money.unit",
        "probes[0].treat[0]",
        "controls.positive.from",
    ]
    lines = [problem.line for problem in found]
    assert lines == sorted(lines)


def test_a_misspelt_key_is_one_mistake_and_not_two(tmp_path):
    assert len(problems_of(broken("vendor: Acme", "vendr: Acme"), tmp_path)) == 1


def test_no_message_holds_what_a_header_holds(tmp_path):
    for new in ("{authorization: [s3cret]}", "s3cret", "{x-api-key: s3cret}"):
        text = broken('{authorization: "Bearer ${ACME_TOKEN}"}', new)
        found = problems_of(text, tmp_path)
        assert not any("s3cret" in problem.text("en") for problem in found)


BAD_YAML = [
    ("audit:\n\ttitle: x\n", 2, "Tabs"),
    ("evenhand: 1\naudit: {title: [a\n", 3, "Brackets"),
    ("evenhand: 1\naudit: x: y\n", 2, "colon too many"),
    ("evenhand: 1\naudit：x\nseed: 1\n", 2, "full-width"),
    ('evenhand: "1\n', 1, "quotation mark"),
    ("evenhand: *one\n", 1, "anchor"),
    ("evenhand: !!python/object:os.system 1\n", 1, "tags"),
    ("a: 1\n---\nb: 2\n", 2, "One file holds one plan"),
    ("evenhand: @x\n", 1, "begin with this sign"),
    ("evenhand: 1\nseed: \x07\n", 2, "control character"),
    ("? [a, b]\n: 1\n", 1, "must be one word"),
    ("", 1, "empty"),
    ("# only a comment\n", 1, "empty"),
    ("- a\n- b\n", 1, "key: value"),
    ("just words", 1, "key: value"),
]


@pytest.mark.parametrize(("text", "line", "says"), BAD_YAML, ids=repr)
def test_what_is_no_yaml_is_told_in_words(tmp_path, text, line, says):
    found = [problem for problem in problems_of(text, tmp_path) if says in problem.text("en")]
    assert [problem.line for problem in found] == [line]


def test_a_bomb_of_aliases_is_refused(tmp_path):
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "at most" in problems_of("\n".join(rows), tmp_path)[0].text("en")


def test_an_alias_of_itself_is_refused(tmp_path):
    assert "refer to itself" in problems_of("a: &a [*a]\n", tmp_path)[0].text("en")


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000, "? " * 5000])
def test_endless_nesting_is_refused(tmp_path, text):
    assert "nested" in problems_of(text, tmp_path)[0].text("en")


def test_a_huge_file_is_refused(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_bytes(b"#" * (1 << 20))
    with pytest.raises(PlanError) as caught:
        planfile.load(path)
    assert [problem.message_id for problem in caught.value.problems] == ["plan.too_large"]


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://a:b", "http://", "http:x", "//x", "http://a:99999"]
)
def test_an_address_that_cannot_be_meant_is_told(tmp_path, url):
    found = problems_of(broken("https://quotes.acme.example/quote", f"'{url}'"), tmp_path)
    assert [problem.message_id for problem in found] == ["plan.must_url"]
