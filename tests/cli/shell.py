"""The real command in a process of its own, and plans for it. Shared by the tests of the product."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

VENDORS = Path(__file__).parents[1] / "audit"
"""Where the functions of ``vendors_for_tests`` are imported from by an audited process."""

COMMAND = (sys.executable, "-m", "evenhand")
PATIENCE = 120

PEOPLE = "age\n" + "\n".join(map(str, range(20, 80))) + "\n"

PLAN = """\
evenhand: 1
audit: {title: {zh: 手机与报价, en: Phones and quotes}, vendor: a stranger, commissioned_by: us, paid_by: us,
        conflicts: none}
seed: 7
target:
%(target)s
  money: {currency: CNY, unit: %(unit)s, per: night, includes: [tax]}
identities: %(identities)s
personas:
  population: people.csv
  attributes:
    device:
      role: ability_to_pay
      reference: old
      levels: [new]
      label: {zh: 手机, en: phone}
      because: {zh: 手机不该影响报价。, en: A phone should not move a price.}
%(attributes)s
    nights: {role: condition, levels: [1, 2], label: {zh: 晚数, en: nights}}
%(items)s
probes:
  - use: pricing.twins
    treat: %(treat)s
    session: %(session)s
    tolerance:
      ratio: 5%%
      share: 20%%
      beyond: 10%%
      because: {zh: 看得见的差别。, en: A difference that one can see.}
controls: %(controls)s
# ports differ from run to run, and so does the draw: at 5 %% one fair vendor in twenty may be accused
decide: {alpha: 0.1%%}
budget: {queries: %(queries)s}
report: {languages: [en], formats: [json]}
"""

PYTHON = """\
  kind: python
  function: vendors_for_tests:%s
  table: false
  request: %s"""
HTTP = """\
  kind: http
  url: %s
  request: %s
  response: %s
  limits: %s"""
LIMITS = "{attempts: 3, timeout: 2s, concurrency: 8}"
REQUEST = (
    '{id: "{{identity}}", device: "{{persona.device}}", age: "{{persona.age}}",'
    ' nights: "{{persona.nights}}"}'
)
RESPONSE = "{final: $.price, currency: $.currency}"
POSITIVE = "{positive: {attribute: nights, from: 1, to: 2, expect: dearer}}"
TOUR = """\
  kind: http
  url: %(url)s
  request: {id: "{{identity}}", step: "{{step}}", token: "{{captured.token}}", age: "{{persona.age}}",
            nights: "{{persona.nights}}", device: "{{persona.device}}"}
  response: {final: $.price, currency: $.currency}
  limits: %(limits)s
  steps:
    register:
      url: %(url)s
      request: {id: "{{identity}}", step: "{{step}}"}
      capture: {token: $.token}
    look:
      url: %(url)s
      request: {id: "{{identity}}", step: "{{step}}", token: "{{captured.token}}"}
    hold:
      url: %(url)s
      request: {id: "{{identity}}", step: "{{step}}", token: "{{captured.token}}"}
      effect: hold
      release:
        url: %(url)s
        request: {id: "{{identity}}", step: release, token: "{{captured.token}}"}"""
"""The target of a plan: a shop with a memory, behind four steps."""
SECOND = """\
    colour:
      role: preference
      reference: red
      levels: [blue]
      label: {zh: 颜色, en: colour}
      because: {zh: 颜色不该影响报价。, en: A colour should not move a price.}
"""


def asks(function: str = "quote", request: str = REQUEST) -> str:
    """The target of a plan: a function of ``vendors_for_tests``."""
    return PYTHON % (function, request)


def http(url: str, *, response: str = RESPONSE, limits: str = LIMITS, more: str = "") -> str:
    """The target of a plan: an endpoint."""
    return HTTP % (url, REQUEST, response, limits) + more


def plan(folder: Path, target: str, *, name: str = "plan.yaml", **changes: Any) -> Path:
    """Write a plan with its population and return where it is."""
    settings = {
        "target": target,
        "unit": "yuan",
        "identities": "{source: fresh}",
        "attributes": "",
        "items": "",
        "treat": "[device]",
        "session": "[]",
        "controls": POSITIVE,
        "queries": 1000,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.csv").write_text(PEOPLE, "utf-8")
    path = folder / name
    path.write_text(PLAN % (settings | changes), "utf-8")
    return path


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out + self.err


def environment(**more: str) -> dict[str, str]:
    names = ("LANG", "LC_ALL", "LC_MESSAGES", "EVENHAND_LANG", "COLUMNS")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    path = os.pathsep.join(filter(None, (str(VENDORS), os.environ.get("PYTHONPATH"))))
    return {**kept, "PYTHONPATH": path, "PYTHONWARNINGS": "error::ResourceWarning", **more}


def begin(*words: object, cwd: Path | None = None, **more: Any) -> subprocess.Popen[str]:
    """Start the command and do not wait for it."""
    env = environment(**more.pop("env", {}))
    return subprocess.Popen(
        [*COMMAND, *map(str, words)],
        cwd=cwd,
        env=env,
        text=True,
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **more,
    )


def ended(child: subprocess.Popen[str]) -> Said:
    """Wait for a command; one that shows a traceback has failed, whatever it was."""
    try:
        out, err = child.communicate(timeout=PATIENCE)
    finally:
        child.kill()
    said = Said(child.returncode, out, err)
    assert "Traceback" not in said.text, said.text
    assert "Exception ignored" not in said.text, said.text
    return said


def evenhand(*words: object, cwd: Path | None = None, **more: Any) -> Said:
    """Run the command."""
    return ended(begin(*words, cwd=cwd, **more))


def until(holds: Callable[[], bool], child: subprocess.Popen[str] | None = None) -> None:
    """Wait until something holds; not longer than a command may take."""
    for _ in range(PATIENCE * 100):
        if holds() or (child is not None and child.poll() is not None):
            return
        time.sleep(0.01)
    raise AssertionError(holds)


def content(run: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = record(run)["content"]
    return found


def record(run: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((run / "record.json").read_text("utf-8"))
    return found


def verdicts(run: Path) -> dict[str, str]:
    return {one["treatment"]: one["verdict"] for one in content(run)["findings"]}


def controls(run: Path) -> dict[str, bool]:
    return {one["kind"]: one["passed"] for one in content(run)["controls"]}


class Shop:
    """The server of ``vendors_for_tests`` in a child process."""

    def __init__(self, port: int = 0) -> None:
        self.child = subprocess.Popen(
            [sys.executable, str(VENDORS / "vendors_for_tests.py"), str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.child.stdout is not None
        self.port = int(self.child.stdout.readline())

    def url(self, mode: str) -> str:
        return f"http://127.0.0.1:{self.port}/{mode}"

    def asked(self) -> dict[str, dict[str, int]]:
        """How often each account was asked, by mode."""
        with urlopen(f"http://127.0.0.1:{self.port}/asked") as answer:
            found: dict[str, dict[str, int]] = json.load(answer)
        return found

    def held(self) -> list[str]:
        """Tokens for which something is held."""
        with urlopen(f"http://127.0.0.1:{self.port}/held") as answer:
            found: list[str] = json.load(answer)
        return found

    def close(self, *, roughly: bool = False) -> None:
        if roughly:
            self.child.send_signal(signal.SIGKILL)
        for pipe in (self.child.stdin, self.child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self.child.wait(PATIENCE)
        finally:
            self.child.kill()
            self.child.wait()


@contextmanager
def shop(port: int = 0) -> Iterator[Shop]:
    """Serve the vendors that misbehave while the block runs."""
    one = Shop(port)
    try:
        yield one
    finally:
        one.close()
