"""Mistakes in the steps of a session, in logins and in secrets: told where they stand."""

from pathlib import Path

import pytest

from evenhand.audit import planfile
from evenhand.audit.planhttp import HttpTarget
from evenhand.audit.planwire import secret_names
from evenhand.errors import PlanError

GOOD = """\
evenhand: 1
audit: {title: Quotes, vendor: Acme, commissioned_by: us, paid_by: us, conflicts: none}
authorisation:
  kind: order
  by: City
  valid: [2026-11-20, 2026-12-20]
  hosts: [acme.example]
  max: {rps: 20, orders: 5}
seed: 7
target:
  kind: http
  url: https://acme.example/quote
  request: {who: "{{identity}}", device: "{{persona.device}}", nights: "{{persona.nights}}"}
  headers: {authorization: "Bearer {{captured.token}}", x-key: "${login.key}"}
  response: {final: $.price, statuses: {404: refused, 409: retry}}
  login:
    url: /login
    encoding: form
    request: {user: "{{identity}}", password: "${account.password}", app: "${ACME_APP}"}
    capture: {key: $.key}
  cookies: session
  proxy: ${ACME_PROXY}
  tls: {cert: "${ACME_CERT}", key: "${ACME_KEY}"}
  steps:
    register:
      url: /register
      request: {who: "{{identity}}", step: "{{step}}"}
      capture: {token: $.token}
    cart:
      url: /cart/{{captured.token}}
      method: PUT
      capture: {cart: $.id}
      effect: hold
      release: {url: "/cart/{{captured.cart}}", method: DELETE}
    buy: {url: /buy, effect: order}
  money: {currency: CNY, unit: yuan, per: night, includes: [tax]}
identities: {source: pool, file: accounts.csv, secrets: "${ACME_ACCOUNTS}"}
personas:
  attributes:
    device: {role: ability_to_pay, reference: old, levels: [new], because: no reason}
    nights: {role: condition, levels: [1, 2]}
probes:
  - use: pricing.twins
    treat: [device]
    session: [register, cart, buy, quote]
    tolerance: {ratio: 5%, share: 20%, because: visible}
controls: {positive: {attribute: nights, from: 1, to: 2, expect: dearer}}
budget: {queries: 20000}
"""

# what is replaced, by what, the key that is named, a word of the message
MISTAKES = [
    ("[register, cart,", "[registre, cart,", "probes[0].session[0]", "Did you mean register?"),
    ("[register, cart,", "[cart, register,", "probes[0].session", "captures it"),
    ("effect: hold", "effect: none", "target.steps.cart.release", "goes with effect: hold"),
    ("effect: hold", "effect: held", "target.steps.cart.effect", "Did you mean hold?"),
    ('      release: {url: "/cart/{{captured.cart}}", method: DELETE}\n', "", "target.steps.cart.release", "must say how"),
    (", orders: 5", "", "target.steps.buy.effect", "authorisation.max.orders"),
    ("    buy: {", "    quote: {", "target.steps.quote", "given twice"),
    ("  response: {final: $.price, statuses: {404: refused, 409: retry}}\n", "", "target.request", "never sent"),
    ("404: refused", "403: refused", "target.response.statuses.403", "door was shut"),
    ("404: refused", "404: refuse", "target.response.statuses.404", "one of"),
    ("404: refused", "42: refused", "target.response.statuses.42", "at least 200"),
    ("capture: {token: $.token}", "capture: {token: token}", "target.steps.register.capture.token", "JSONPath"),
    ("capture: {key: $.key}", "capture: {key: key}", "target.login.capture.key", "JSONPath"),
    ("capture: {key: $.key}", "capture: {}", "target.login.capture", "at least one entry"),
    ("captured.cart}}", "captured.crat}}", "target.steps.cart.release.url", "Did you mean captured.cart?"),
    ("url: /login", "url: ftp://acme.example", "target.login.url", "begins with http"),
    ('{user: "{{identity}}"', '{user: "{{persona.device}}"', "target.login.request.user", "stands for nothing"),
    ("${login.key}", "${login.kee}", "target.headers.x-key", "stands for nothing"),
    ('device: "{{persona.device}}"', 'device: "${account.password}"', "target.request.device", "only a target.login"),
    (', secrets: "${ACME_ACCOUNTS}"', "", "target.login.request.password", "identities.secrets"),
    ('app: "${ACME_APP}"', 'app: "${ACME APP}"', "target.login.request.app", "letters, digits"),
    ("Bearer {{captured.token}}", "Bearer abc", "target.headers.authorization", "must not be written"),
    ("encoding: form", "encoding: xml", "target.login.encoding", "one of json, form, query"),
    ("method: PUT", "method: put", "target.steps.cart.method", "capital letters"),
    ("cookies: session", "cookies: forever", "target.cookies", "one of none, session"),
    ("proxy: ${ACME_PROXY}", "proxi: ${ACME_PROXY}", "target.proxi", "Did you mean proxy?"),
]  # fmt: skip


def loaded(folder: Path, text: str) -> planfile.LoadedPlan:
    (folder / "accounts.csv").write_text("id\na\nb\n", "utf-8")
    return planfile.parse(text, folder / "plan.yaml")


def test_the_plan_that_is_broken_below_is_whole(tmp_path):
    found = loaded(tmp_path, GOOD)
    names = {"ACME_APP", "ACME_PROXY", "ACME_CERT", "ACME_KEY", "ACME_ACCOUNTS"}
    assert set(secret_names(found.plan)) == names
    assert planfile.parse(planfile.to_yaml(found.plan), found.path).plan == found.plan


@pytest.mark.parametrize(("old", "new", "key", "word"), MISTAKES)
def test_a_mistake_is_told_where_it_stands(tmp_path, old, new, key, word):
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    with pytest.raises(PlanError) as told:
        loaded(tmp_path, text)
    found = [problem for problem in told.value.problems if problem.key == key]
    assert found, [problem.text("en") for problem in told.value.problems]
    assert word in found[0].text("en")
    assert found[0].text("zh") != found[0].text("en")
    # a step that is gone is still at the line of its session; all else at its own
    assert found[0].line > 0


def test_a_step_has_its_own_placeholders_and_takes_the_headers_of_the_target(tmp_path):
    target = loaded(tmp_path, GOOD).plan.target
    assert isinstance(target, HttpTarget)
    walked, entry = target.walked(), target.entry()
    assert list(walked) == ["register", "cart", "buy", "quote"]
    assert walked["cart"].url == "https://acme.example/cart/{{captured.token}}"
    assert walked["register"].headers == {"x-key": "${login.key}"}
    assert walked["quote"].headers == target.headers
    assert entry is not None
    assert entry.url == "https://acme.example/login"
