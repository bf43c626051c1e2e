"""The commands about evidence: seal, verify, replay, compare, keys; and the re-check plan."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..messages import both, language, numbers, text
from . import view
from .options import Json, Lang, Quiet, app

if TYPE_CHECKING:
    from ..audit.compare import Change, Comparison
    from ..audit.replay import Replayed
    from ..audit.run import Audit

CHANGED = 1
"""Exit code where a change is shown."""

BundleFile = Annotated[Path, typer.Argument(metavar="BUNDLE", help=text("evidence.help_bundle"))]
What = Annotated[Path, typer.Argument(metavar="RUN|BUNDLE", help=text("evidence.help_what"))]
Key = Annotated[
    Path | None, typer.Option("--key", metavar="KEY.pem", help=text("evidence.help_key"))
]
Trust = Annotated[bool, typer.Option("--trust", help=text("evidence.help_trust"))]


@app.command(help=text("evidence.seal"))
def seal(
    run: What,
    key: Key = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="BUNDLE")] = None,
    operator: Annotated[str, typer.Option("--operator", help=text("evidence.help_operator"))] = "",
    witness: Annotated[str, typer.Option("--witness", help=text("evidence.help_witness"))] = "",
    token: Annotated[
        Path | None, typer.Option("--time-token", help=text("evidence.help_token"))
    ] = None,
    lang: Lang = None,
    json_: Json = False,
) -> int:
    """Seal a run; or add a signature or a time token to a bundle."""
    from ..audit.folder import disk, write
    from ..audit.seal import attach
    from ..audit.seal import seal as seal_
    from ..audit.signing import private_key

    _ = lang
    signing = None if key is None else private_key(key)
    if run.is_file():
        attach(run, key=signing, token=None if token is None else token.read_bytes())
        view.out(text("evidence.attached", path=run))
        return 0
    _reported(run)
    keys = [] if signing is None else [signing]
    sealed = seal_(run, out, keys=keys, operator=operator, witness=witness)
    if token is not None:
        attach(sealed.path, token=token.read_bytes())
    cover = sealed.path.with_name(sealed.path.name.removesuffix(".zip") + ".cover.txt")
    with disk(cover):
        write(cover, (sealed.cover("zh") + "\n\n" + sealed.cover("en") + "\n").encode())
    if json_:
        view.out(json.dumps({"path": str(sealed.path), **sealed.found}))
        return 0
    who = ", ".join(sealed.found["signers"]) or both("evidence.nobody")
    view.out(text("evidence.sealed", path=sealed.path, root=sealed.root, signers=who))
    view.out(text("cli.written", path=cover))
    return 0


def _reported(run: Path) -> None:
    """Write the reports of a run that has none yet: they are part of what is sealed."""
    from ..audit.folder import RunFolder, disk
    from ..audit.taken import seen
    from ..reports import write

    folder = RunFolder.existing(run)
    if not any(folder.path.glob("report.*")):
        with disk(folder.path):
            write(folder.read_record(), folder.read_annex(), folder.path, taken=seen(folder))


@app.command(help=text("evidence.verify"))
def verify(
    bundle: BundleFile,
    key: Annotated[
        list[Path] | None,
        typer.Option("--key", metavar="KEY.pub.pem", help=text("evidence.help_public")),
    ] = None,
    statement: Annotated[
        Path | None, typer.Option("--statement", help=text("evidence.help_statement"))
    ] = None,
    proof: Annotated[str | None, typer.Option("--proof", help=text("evidence.help_proof"))] = None,
    lang: Lang = None,
    json_: Json = False,
) -> int:
    """Verify a bundle."""
    from ..audit.bundle import checked
    from ..audit.proofs import prove_trial, statement_of
    from ..audit.signing import public_key

    _ = lang
    keys = [public_key(path) for path in key or ()]
    found = checked(bundle, keys)
    if statement is not None:
        from ..audit.folder import disk, write

        with disk(statement):
            write(statement, statement_of(bundle))
    if proof is not None:
        view.out(json.dumps(prove_trial(bundle, proof), ensure_ascii=False, sort_keys=True))
        return 0
    if json_:
        view.out(json.dumps(found))
        return 0
    nobody = both("evidence.nobody")
    view.out(
        text(
            "evidence.verified",
            path=bundle,
            calls=f"{found['calls']:,}",
            waves=found["waves"],
            root=found["root"],
            content=found["content_sha256"],
            signers=", ".join(found["signers"]) or nobody,
            lock_signers=", ".join(found["lock_signers"]) or nobody,
            token=both("evidence.token_there" if found["time_token"] else "evidence.token_none"),
        )
    )
    if not found["signers"]:
        view.note(text("evidence.unsigned"))
    elif not keys:
        view.note(text("evidence.whose"))
    return 0


@app.command(help=text("evidence.replay"))
def replay(
    bundle: What,
    live: Annotated[bool, typer.Option("--live", help=text("evidence.help_live"))] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="RUN")] = None,
    trust: Trust = False,
    lang: Lang = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> int:
    """Recompute a record from the answers; with ``--live`` ask again and compare."""
    from ..audit.replay import opened
    from ..audit.replay import replay as replay_

    _ = lang
    with opened(bundle, trust=trust) as case:
        made = replay_(case)
        same, other = _reports(bundle, made)
        versions = case.other_versions
    if not json_:
        how = "evidence.replayed_bytes" if made.exact else "evidence.replayed_digits"
        view.out(text(how, **({} if made.exact else {"versions": versions})))
        if same:
            view.out(text("evidence.replayed_reports", count=len(same)))
        if other:
            view.note(text("evidence.reports_other", names=", ".join(other)))
    if live:
        return _live(bundle, out, trust=trust, json_=json_, quiet=quiet)
    if json_:
        view.out(json.dumps({"exact": made.exact, "reports": same, "reports_other": other}))
    return 0


def _reports(path: Path, made: Replayed) -> tuple[list[str], list[str]]:
    """Make the reports again from the recomputed record; return which are the same, which not."""
    from pydantic import ValidationError

    from ..audit.proofs import papers
    from ..audit.record import Record
    from ..reports import FORMATS, write

    sealed = papers(path)
    endings = {name.rpartition(".")[2] for name in sealed.reports}
    try:
        record = Record.model_validate_json(sealed.record)
    except ValidationError:  # a record of another version: its numbers were compared all the same
        return [], sorted(sealed.reports)
    record = record.model_copy(update={"content": made.content})
    formats = view.writable(tuple(one for one in FORMATS if one in endings))
    with TemporaryDirectory(prefix="evenhand-") as folder:
        for page in (None, "summary"):
            write(
                record, sealed.annex, Path(folder),
                formats=formats, page=page, taken=sealed.taken,
            )  # fmt: skip
        again = {one.name: one.read_bytes() for one in Path(folder).iterdir()}
    same = [n for n, data in sealed.reports.items() if again.get(n.rpartition("/")[2]) == data]
    return sorted(same), sorted(set(sealed.reports) - set(same))


def _live(path: Path, out: Path | None, *, trust: bool, json_: bool, quiet: bool) -> int:
    """Ask the vendor of a bundle again, under a new seed, and compare."""
    from ..audit.planfile import load
    from ..audit.run import begin, prepare, run
    from .progress import Progress

    again = out or Path("runs") / f"{path.name.partition('.')[0]}-again"
    plan = again.with_name(again.name + ".yaml")
    if not plan.exists():  # asked for before and not finished: it goes on
        write_recheck(path, plan, None, trust=trust)
    audit = prepare(load(plan))
    target = begin(audit, again)
    progress = Progress(quiet=quiet or json_)
    with view.stoppable(target.stop), progress:
        run(audit, target, watch=progress)
    return _compared(path, again, 0.05, trust=trust, json_=json_)


@app.command(help=text("evidence.compare"))
def compare(
    first: What,
    second: What,
    alpha: Annotated[
        float, typer.Option("--alpha", min=1e-6, max=0.5, help=text("evidence.help_alpha"))
    ] = 0.05,
    trust: Trust = False,
    lang: Lang = None,
    json_: Json = False,
) -> int:
    """Compare two audits; exit code 1 where a change is shown."""
    _ = lang
    return _compared(first, second, alpha, trust=trust, json_=json_)


def _compared(first: Path, second: Path, alpha: float, *, trust: bool, json_: bool) -> int:
    from ..audit.compare import compare as compare_

    found = compare_(first, second, alpha=alpha, trust=trust)
    if json_:
        view.out(json.dumps(asdict(found), ensure_ascii=False, indent=1))
    else:
        for line in _lines(found):
            view.out(line)
    return CHANGED if found.changed else 0


def _lines(found: Comparison) -> list[str]:
    percent = numbers.percent(100 * found.alpha, language())
    head = text(
        "evidence.compare_head",
        first=found.first,
        second=found.second,
        matched=len(found.changes),
        alpha=percent,
    )
    lines = [head, *(f"  {_line(one)}" for one in found.changes)]
    lines += [
        "  " + text("evidence.compare_only", name=name, where=where) for name, where in found.only
    ]
    if found.terms:
        lines.append(text("evidence.compare_terms", names=", ".join(found.terms)))
    return [*lines, text("evidence.compare_method")]


def _line(one: Change) -> str:
    from ..reports.sizes import hundredths, written

    values: dict[str, Any] = {
        "name": f"{one.probe} {one.treatment} = {one.level} ({one.outcome})",
        "before": both(f"words.{one.before}"),
        "after": both(f"words.{one.after}"),
    }
    if one.low is None or one.high is None or one.was is None or one.now is None:
        return text("evidence.compare_unmeasured", **values)
    sizes = {"low": one.low, "high": one.high, "was": one.was, "now": one.now}
    chosen = language()
    shown = {
        name: written(hundredths(size, one.unit), one.unit, chosen, digits=2)
        for name, size in sizes.items()
    }
    return text(
        "evidence.compare_line", **values, **shown, change=both(f"evidence.change_{one.movement}")
    )


@app.command(help=text("evidence.keys"))
def keys(
    action: Annotated[str, typer.Argument(metavar="make|show")],
    path: Annotated[Path, typer.Argument(metavar="KEY.pem")] = Path("auditor.pem"),
    lang: Lang = None,
) -> int:
    """Make a key pair, or show a key's fingerprint."""
    from ..audit.signing import make_key, public_key, public_pem
    from ..audit.verify import keyid

    _ = lang
    if action not in {"make", "show"}:
        raise UsageError("cli.bad_choice", option="keys", known="make, show", got=action)
    if action == "make":
        beside = make_key(path)
        found = keyid(public_key(beside))
        view.out(text("evidence.key_made", path=path, public=beside, keyid=found))
        return 0
    key = public_key(path)
    view.out(text("evidence.key_shown", path=path, keyid=keyid(key)))
    view.out(public_pem(key).decode().strip())
    return 0


def sign_before(audit: Audit, path: Path, key: Path) -> None:
    """Sign the lock of a run that has asked nothing yet, and note who will be: ``run --key``."""
    from ..audit.authorise import authorise
    from ..audit.peer import note_peer
    from ..audit.run import begin
    from ..audit.seal import sign_lock
    from ..audit.signing import private_key

    signing = private_key(key)
    folder = begin(audit, path)
    sign_lock(folder, signing)
    authorise(audit.plan, datetime.now(UTC))
    note_peer(audit.plan, folder)


def write_recheck(run: Path, path: Path, findings: str | None, *, trust: bool = False) -> None:
    """Write the re-check plan of a run; ``init --from`` is this."""
    from ..audit.folder import disk, write
    from ..audit.recheck import recheck

    wanted = [one.strip() for one in (findings or "").split(",") if one.strip()]
    # a vendor that can foresee the seed can foresee who asks
    made = recheck(run, path, seed=secrets.randbelow(1 << 31), findings=wanted, trust=trust)
    with disk(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, made.text.encode())
    view.note(
        text(
            "evidence.recheck_written",
            path=path,
            hypotheses=made.hypotheses,
            seed=made.seed,
            queries=f"{made.queries:,}",
        )
    )
