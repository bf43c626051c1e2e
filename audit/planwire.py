"""What a plan says of the wire: what is sent where, in which steps, and how replies are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..errors import Problem
from .plan import Plan, Remote, Target, steps_of
from .planhttp import QUOTE, Asking, HttpTarget, Step
from .planmachines import ServedTarget
from .planparts import Equals, Response
from .planrules import Rule
from .planshape import listed, near, shown
from .planyaml import Key, Source
from .target.outcomes import OUTCOMES
from .target.render import SECRET
from .target.secrets import ACCOUNT, LOGIN

SENT = ("url", "request", "headers")
"""Parts of what is sent that may hold placeholders and secrets."""

CAPTURED = "captured."
LONGEST_PATH = 512
_PLACE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_SECRET_HEADER = re.compile(r"authorization|cookie|token|secret|password|api-?key", re.IGNORECASE)
_SHUT = frozenset({401, 403, 407, 429})
"""Statuses of a call that got no further than the door: never an answer, never a refusal."""


def leaves(value: Any, key: Key) -> Iterator[tuple[Key, str]]:
    """Yield every string of a tree of plain data, with its place."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves(part, (*key, str(name)))
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            yield from leaves(part, (*key, place))


def placeholders(text: str) -> list[str]:
    """Return what stands between double braces.

    Examples
    --------
    >>> placeholders("u-{{ identity }}-{{persona.device}}")
    ['identity', 'persona.device']
    """
    return _PLACE.findall(text)


def without_placeholders(text: str) -> str:
    """Return what stands around them."""
    return _PLACE.sub("", text)


def parts_of(asking: Asking, key: Key) -> Iterator[tuple[Key, str]]:
    """Yield every string of what is sent, with its place."""
    for name in SENT:
        yield from leaves(getattr(asking, name), (*key, name))


def templates(plan: Plan) -> list[tuple[Key, str]]:
    """Return every string of the plan that is filled in for each trial."""
    target = plan.target
    if not isinstance(target, Remote):
        return list(leaves(target.request or {}, ("target", "request")))
    sent = [part for part in askings(target) if part[0] != ("target", "login")]
    return [leaf for key, asking in sent for leaf in parts_of(asking, key)]


def askings(target: Target) -> Iterator[tuple[Key, Asking]]:
    """Yield everything that can be sent over HTTP, and where it stands; the target itself first."""
    if isinstance(target, ServedTarget):
        yield ("target",), target.asking()
    if not isinstance(target, HttpTarget):
        return
    yield ("target",), target
    for name, step in target.steps.items():
        key: Key = ("target", "steps", name)
        yield key, step
        if step.release is not None:
            yield (*key, "release"), step.release
    if target.login is not None:
        yield ("target", "login"), target.login


def responses(target: Target) -> Iterator[tuple[Key, Response]]:
    """Yield where answers stand, over all steps."""
    if target.response is not None:
        yield ("target", "response"), target.response
    if isinstance(target, HttpTarget):
        for name, step in target.steps.items():
            yield ("target", "steps", name, "response"), step.response


def captures(target: Target) -> Iterator[tuple[Key, str, str]]:
    """Yield what is captured: where it stands, its name, its path."""
    if not isinstance(target, HttpTarget):
        return
    for name, step in target.steps.items():
        for what, path in step.capture.items():
            yield ("target", "steps", name, "capture", what), what, path
    for what, path in (target.login.capture if target.login else {}).items():
        yield ("target", "login", "capture", what), what, path


def addresses(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield addresses that nothing can be sent to, and paths that do not read."""
    target = plan.target
    placed = target.model_copy(update=_whole(target))
    for (key, asking), (_, whole) in zip(askings(target), askings(placed), strict=True):
        if not _is_url(whole.url):
            yield source.problem("plan.must_url", (*key, "url"), got=shown(asking.url))
    paths: dict[Key, str | None] = {key: path for key, _, path in captures(target)}
    for key, response in responses(target):
        paths |= {(*key, name): getattr(response, name) for name in (*OUTCOMES, "currency")}
        if isinstance(response.refused, Equals):
            paths[(*key, "refused", "path")] = response.refused.path
    for key, path in paths.items():
        if path is not None and not _is_json_path(path):
            yield source.problem("plan.must_json_path", key, got=shown(path))


def _whole(target: Target) -> dict[str, Any]:
    """Return the parts of a target whose addresses may stand relative to its own, whole."""
    if not isinstance(target, HttpTarget):
        return {}
    walked = target.walked()
    return {"steps": {name: walked[name] for name in target.steps}, "login": target.entry()}


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_json_path(path: str) -> bool:
    import jsonpath_rfc9535

    try:
        jsonpath_rfc9535.compile(path)
    except (jsonpath_rfc9535.JSONPathError, RecursionError, ValueError):
        return False
    return len(path) <= LONGEST_PATH


def statuses(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield a shut door that would count as an answer or a refusal."""
    for key, response in responses(plan.target):
        for status, meaning in response.statuses.items():
            if status in _SHUT and meaning in {"answered", "refused"}:
                where = (*key, "statuses", str(status))
                yield source.problem("plan.status_shut", where, status=status)


def steps(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield steps that contradict the target or each other."""
    target = plan.target
    if not isinstance(target, HttpTarget):
        return
    if target.response is None and not target.steps:
        yield source.problem("plan.missing", ("target", "response"))
    elif target.response is not None and QUOTE in target.steps:
        yield source.problem("plan.step_twice", ("target", "steps", QUOTE), name=QUOTE)
    elif target.response is None and target.request:
        yield source.problem("plan.request_unsent", ("target", "request"))
    for name, step in target.steps.items():
        yield from _effect(plan, source, ("target", "steps", name), step)


def _effect(plan: Plan, source: Source, key: Key, step: Step) -> Iterator[Problem]:
    if step.effect == "hold" and step.release is None:
        yield source.problem("plan.hold_release", (*key, "release"))
    if step.effect != "hold" and step.release is not None:
        yield source.problem("plan.release_hold", (*key, "release"))
    permitted = plan.authorisation is not None and plan.authorisation.max.orders > 0
    if step.effect == "order" and not permitted:
        yield source.problem("plan.order_permitted", (*key, "effect"))


def sessions(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield sessions that walk steps which do not exist, or before what they need was captured."""
    known = steps_of(plan.target)
    walks = [(("probes", n, "session"), probe.session) for n, probe in enumerate(plan.probes)]
    for key, walk in walks:
        missing = [(n, name) for n, name in enumerate(walk) if name not in known]
        for place, name in missing:
            yield source.problem(
                "plan.no_step",
                (*key, place),
                name=shown(name),
                known=listed(known),
                near=near(name, known),
            )
        if not missing and isinstance(plan.target, HttpTarget):
            yield from _captured_before(plan.target, walk or known[-1:], source, key)


def _captured_before(
    target: HttpTarget, walk: Iterable[str], source: Source, key: Key
) -> Iterator[Problem]:
    walked = target.walked()
    held = set[str]()
    for name in walk:
        step = walked[name]
        needed = _captured_in(step) - held
        held |= set(step.capture)
        if step.release is not None:
            needed |= _captured_in(step.release) - held
        for missing in sorted(needed):
            yield source.problem("plan.not_captured", key, name=missing, step=name)


def _captured_in(asking: Asking) -> set[str]:
    names = (name for _, text in parts_of(asking, ()) for name in placeholders(text))
    return {name.removeprefix(CAPTURED) for name in names if name.startswith(CAPTURED)}


def secrets(plan: Plan, source: Source) -> Iterator[Problem]:
    """Yield secrets that are written down, and ``${NAME}`` where it is not read."""
    for key, text in leaves(plan.model_dump(mode="json", by_alias=True), ()):
        if "${" not in text:
            continue
        if not _reads_secrets(key):
            yield source.problem("plan.secret_here", key)
        elif "${" in SECRET.sub("", text):
            yield source.problem("plan.secret_form", key)
        else:
            yield from _given(plan, key, text, source)
    for key, asking in askings(plan.target):
        for name, value in asking.headers.items():
            if _SECRET_HEADER.search(name) and not _comes_from_elsewhere(value):
                yield source.problem("plan.secret_written", (*key, "headers", name))
        if _names_somebody(asking.url):
            yield source.problem("plan.secret_url", (*key, "url"))


def _comes_from_elsewhere(value: str) -> bool:
    return "${" in value or any(name.startswith(CAPTURED) for name in placeholders(value))


def _reads_secrets(key: Key) -> bool:
    """Whether ``${NAME}`` is read where a text of the plan stands."""
    if key in {("identities", "secrets"), ("target", "proxy")} or key[:2] == ("target", "tls"):
        return True
    below = key[3 + ("release" in key[:4]) :] if key[:2] == ("target", "steps") else key[1:]
    if key[:2] == ("target", "login"):
        below = key[2:]
    return key[:1] == ("target",) and below[:1] in {(part,) for part in SENT}


def _given(plan: Plan, key: Key, text: str, source: Source) -> Iterator[Problem]:
    """Yield secrets that no login captures, and what only an account knows beside a login."""
    keys = {name for place, name, _ in captures(plan.target) if place[1] == "login"}
    enters = key[:2] == ("target", "login")
    for name in SECRET.findall(text):
        head = name.partition(".")[0] + "."
        lost = {
            ACCOUNT: not enters or plan.identities.secrets is None,
            LOGIN: enters or name.removeprefix(LOGIN) not in keys,
        }
        if lost.get(head, False):
            yield source.problem("plan.secret_unknown", key, name=name)


def _names_somebody(url: str) -> bool:
    try:
        return "@" in urlsplit(url.split("?", maxsplit=1)[0]).netloc
    except ValueError:
        return False


def secret_names(plan: Plan) -> dict[str, Key]:
    """Return the environment variables that are read, and where each is first named."""
    found: dict[str, Key] = {}
    for key, text in leaves(plan.model_dump(mode="json", by_alias=True), ()):
        for name in SECRET.findall(text) if _reads_secrets(key) else ():
            if "." not in name:
                found.setdefault(name, key)
    return found


RULES: Sequence[Rule] = (addresses, statuses, steps, sessions, secrets)
