"""The commands. Each is a few lines over the library; heavy parts are imported where they are used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..messages import language, text
from . import view
from .options import (
    FailOn,
    Json,
    Lang,
    Out,
    PlanFile,
    Quiet,
    RunPath,
    Wait,
    app,
    check_language,
    one_of,
    several,
)

if TYPE_CHECKING:
    from ..audit.folder import RunFolder
    from ..audit.record import Record
    from ..audit.run import Audit

STEMS = {"established": 1, "indicated": 1, "inconclusive": 3, "cleared": 0}
"""Exit code of a verdict."""
KINDS = ("review", "reply", "note", "waiver")


def exit_code(record: Record, fail_on: tuple[str, ...]) -> int:
    """Return the exit code of a record: 1 before 3 before 0, of the verdicts that count."""
    codes = {STEMS[found.verdict] for found in record.content.findings if found.verdict in fail_on}
    return next((code for code in (1, 3) if code in codes), 0)


@app.command(help=text("cli.demo"))
def demo(out: Out = None, lang: Lang = None, json_: Json = False, quiet: Quiet = False) -> int:
    """Audit the hotel model, served over HTTP in a child process."""
    import shutil
    from importlib import resources

    from .. import audit
    from ..audit.planfile import parse
    from ..audit.run import prepare
    from ..datasets.vendors.serve import start

    check_language(lang)
    path = out or Path("runs/demo")
    if out is None and (path / "plan.lock.json").is_file():
        shutil.rmtree(path)  # the demonstration's own folder: made anew each time
    with start("hotel") as url:
        plan = resources.files(audit).joinpath("demo.yaml").read_text("utf-8")
        here = plan.replace("http://127.0.0.1:8000/quote", url)
        _run(prepare(parse(here, Path("demo.yaml"))), path, quiet=quiet, json_=json_)
    return 0  # whatever the model learnt, the demonstration has worked


@app.command(help=text("cli.init"))
def init(
    path: Annotated[Path, typer.Argument(metavar="PLAN")] = Path("plan.yaml"),
    template_: Annotated[str, typer.Option("--template")] = "own-model",
    from_: Annotated[
        Path | None, typer.Option("--from", metavar="RUN", help=text("evidence.help_from"))
    ] = None,
    findings: Annotated[
        str | None, typer.Option("--findings", help=text("evidence.help_findings"))
    ] = None,
    openapi: Annotated[
        str | None, typer.Option("--openapi", metavar="FILE_OR_URL", help=text("cli.help_openapi"))
    ] = None,
    operation: Annotated[
        str | None, typer.Option("--operation", help=text("cli.help_operation"))
    ] = None,
    lang: Lang = None,
) -> int:
    """Write a plan with comments, the draft of one, or the re-check plan of a run."""
    from ..audit.folder import disk, write
    from ..audit.templates import names, template

    check_language(lang)
    one_of("--template", template_, tuple(names()))
    if path.exists():
        raise UsageError("cli.file_exists", path=str(path))
    if from_ is not None:
        from .evidence import write_recheck

        write_recheck(from_, path, findings)
        view.out(text("cli.written", path=path))
        return 0
    if openapi is None:
        made = template(template_, language())
    else:
        from ..audit.openapi import draft, read_document

        document, source = read_document(openapi)
        made = draft(document, language(), source=source, operation=operation)
    with disk(path):
        write(path, made.encode())
    view.out(text("cli.written", path=path))
    return 0


@app.command(help=text("cli.check"))
def check(plan: PlanFile, lang: Lang = None, json_: Json = False) -> int:
    """Check a plan and predict what it will take. Sends nothing."""
    from dataclasses import asdict

    from ..audit.check import check as checked_
    from ..audit.run import prepare

    check_language(lang)
    audit = _prepared(plan, prepare)
    found = checked_(audit.loaded, audit.study, audit.lock.hypotheses)
    if json_:
        view.out(json.dumps(asdict(found), ensure_ascii=False, indent=1, default=str))
    else:
        for line in found.lines(language()):
            view.out(line)
    return 0


@app.command(name="plan", help=text("cli.plan"))
def pilot(
    plan: PlanFile, out: Out = None, lang: Lang = None, json_: Json = False, quiet: Quiet = False
) -> int:
    """Send the pilot: wave 0 of the run."""
    from ..audit.delivery import check_delivery
    from ..audit.pilot import pilot_of
    from ..audit.run import begin, prepare, run

    check_language(lang)
    audit = _prepared(plan, prepare)
    folder = begin(audit, out or _default_folder(plan))
    with view.stoppable(folder.stop):
        conduct = run(audit, folder, pilot_only=True)
    seen, delivery = pilot_of(conduct), check_delivery(audit, conduct, folder)
    if json_:
        both = {**seen.as_dict(), "delivery": delivery.as_dict()}
        view.out(json.dumps(both, ensure_ascii=False, indent=1))
    elif not quiet:
        for line in (*seen.lines(), *delivery.lines()):
            view.out(line)
    return 0


@app.command(name="run", help=text("cli.run"))
def run_command(
    plan: PlanFile,
    out: Out = None,
    lang: Lang = None,
    json_: Json = False,
    quiet: Quiet = False,
    fail_on: FailOn = None,
    wait: Wait = False,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="KEY.pem", help=text("evidence.help_lock_key"))
    ] = None,
) -> int:
    """Audit by a plan, from the beginning or from where its pilot left it."""
    from ..audit.run import prepare

    check_language(lang)
    counted = _fail_on(fail_on)
    audit, path = _prepared(plan, prepare), out or _default_folder(plan)
    if key is not None:
        from .evidence import sign_before

        sign_before(audit, path, key)
    return exit_code(_run(audit, path, quiet=quiet, json_=json_, wait=wait), counted)


@app.command(help=text("cli.resume"))
def resume(
    run: RunPath,
    lang: Lang = None,
    json_: Json = False,
    quiet: Quiet = False,
    fail_on: FailOn = None,
    wait: Wait = False,
) -> int:
    """Go on with a run."""
    from ..audit.run import reopen

    check_language(lang)
    counted = _fail_on(fail_on)
    audit, folder = reopen(run)
    return exit_code(_run(audit, folder.path, quiet=quiet, json_=json_, wait=wait), counted)


@app.command(help=text("cli.status"))
def status(run: RunPath, lang: Lang = None, json_: Json = False) -> int:
    """Say how far a run is."""
    from ..audit.folder import RunFolder
    from ..audit.journal import Journal

    check_language(lang)
    folder = RunFolder.existing(run)
    with Journal.look(folder.journal) as journal:
        waves, attempts = len(journal.waves()), journal.attempts()
    done = folder.record.is_file()
    if json_:
        view.out(json.dumps({"waves": waves, "attempts": attempts, "record": done}))
    else:
        state = text("cli.state_record" if done else "cli.state_open")
        view.out(text("cli.status_line", waves=waves, attempts=f"{attempts:,}", state=state))
    return 0


@app.command(help=text("cli.stop"))
def stop(run: RunPath, lang: Lang = None) -> int:
    """Ask a run to stop."""
    from ..audit.folder import RunFolder, disk

    check_language(lang)
    folder = RunFolder.existing(run)
    with disk(folder.path):
        folder.stop.touch()
    view.out(text("cli.stop_asked", path=run))
    return 0


@app.command(help=text("cli.show"))
def show(
    run: RunPath,
    name: Annotated[str | None, typer.Argument(metavar="FINDING|TRIAL")] = None,
    lang: Lang = None,
    json_: Json = False,
) -> int:
    """Show a record, one finding or one trial."""
    from ..audit.folder import RunFolder
    from ..audit.trials import trial

    check_language(lang)
    folder = RunFolder.existing(run)
    if name is None:
        record = folder.read_record()
        lines = [record.model_dump_json(indent=1)] if json_ else view.record_lines(record)
    elif "-" in name:
        lines = [json.dumps(trial(run, name), ensure_ascii=False, indent=1)]
    else:
        found = [one for one in folder.read_record().content.findings if one.id == name]
        if not found:
            raise UsageError("cli.no_such_finding", name=name)
        lines = [found[0].model_dump_json(indent=1)] if json_ else view.finding_lines(found[0])
    for line in lines:
        view.out(line)
    return 0


@app.command(help=text("explain.help"))
def explain(
    run: RunPath,
    finding: Annotated[
        str | None, typer.Argument(metavar="FINDING", help=text("explain.help_finding"))
    ] = None,
    lang: Lang = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> int:
    """Explain what was flagged; what was never explained is asked out of what the budget leaves."""
    from ..audit.run import reopen
    from ..audit.run import run as drive
    from .explain import explained, show
    from .progress import Progress

    check_language(lang)
    audit, folder = reopen(run)
    if audit.plan.target.kind == "field":
        raise UsageError("field.no_explaining")
    if not folder.record.is_file() or not all(
        one.explanations for one in explained(folder.read_record(), finding)
    ):
        progress = Progress(quiet=quiet or json_)
        with view.stoppable(folder.stop), progress:
            drive(audit, folder, watch=progress)
    show(folder.read_record(), finding, json_=json_)
    return 0


@app.command(help=text("cli.report"))
def report(
    run: RunPath,
    languages: Annotated[str, typer.Option("--language")] = "zh,en",
    formats: Annotated[str, typer.Option("--format")] = "html,json",
    page: Annotated[str | None, typer.Option("--page", help=text("report.help_page"))] = None,
    lang: Lang = None,
) -> int:
    """Write the reports of a run."""
    from ..audit.folder import RunFolder
    from ..reports import FORMATS

    check_language(lang)
    _report(
        RunFolder.existing(run),
        several("--language", languages, ("zh", "en")),
        several("--format", formats, FORMATS),
        page=page,
    )
    return 0


@app.command(help=text("cli.annex"))
def annex(
    run: RunPath,
    kind: Annotated[str, typer.Option("--kind")],
    by: Annotated[str, typer.Option("--by")],
    words: Annotated[str | None, typer.Option("--text")] = None,
    file: Annotated[Path | None, typer.Option("--file")] = None,
    role: Annotated[str, typer.Option("--role")] = "",
    finding: Annotated[str | None, typer.Option("--finding")] = None,
    lang: Lang = None,
) -> int:
    """Add an entry to the annex of a run."""
    from ..audit.annex import add
    from ..audit.folder import RunFolder

    check_language(lang)
    add(
        RunFolder.existing(run),
        kind=one_of("--kind", kind, KINDS),
        by=by,
        role=role,
        words=words,
        file=file,
        finding=finding,
    )
    view.out(text("cli.annexed", kind=kind))
    return 0


@app.command(help=text("decision.help"))
def decide(
    run: RunPath,
    procedure: Annotated[str, typer.Option("--procedure", help=text("decision.help_procedure"))],
    file: Annotated[Path, typer.Option("--file", help=text("decision.help_file"))],
    lang: Lang = None,
) -> int:
    """Put a committee's decision into the annex, with what its rules would ask about."""
    from ..audit.decision import decide as put
    from ..audit.folder import RunFolder

    check_language(lang)
    for warning in put(RunFolder.existing(run), procedure, file):
        view.note(warning.text())
    view.out(text("decision.added"))
    return 0


@app.command(help=text("rules.help"))
def rules(
    action: Annotated[str, typer.Argument(metavar="[list|show|check]")] = "list",
    name: Annotated[str, typer.Argument(metavar="ID")] = "",
    lang: Lang = None,
    json_: Json = False,
) -> int:
    """List, show or check the provisions."""
    from .rules import ACTIONS
    from .rules import show as shown

    check_language(lang)
    shown(one_of("rules", action, ACTIONS), name, json_=json_)
    return 0


@app.command(help=text("cli.vendors"))
def vendors(
    action: Annotated[str, typer.Argument(metavar="[serve|score]")] = "list",
    name: Annotated[str, typer.Argument(metavar="NAME")] = "",
    port: Annotated[int, typer.Option("--port")] = 8000,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help=text("vendors.help_seeds"))] = 20,
    queries: Annotated[
        int, typer.Option("--queries", min=100, help=text("vendors.help_queries"))
    ] = 5000,
    explain: Annotated[bool, typer.Option("--explain", help=text("vendors.help_explain"))] = False,
    lang: Lang = None,
    json_: Json = False,
) -> int:
    """List the zoo, serve one vendor, or score the suite over all whose truth is known."""
    check_language(lang)
    one_of("vendors", action, ("list", "serve", "score"))
    if action == "score":
        from .score import score

        return score(
            [name] if name else [], seeds=seeds, queries=queries, explain=explain, json_=json_
        )
    if action == "serve":
        from ..datasets.vendors import get
        from ..datasets.vendors.serve import main as serve

        get(name)
        serve([name, "--port", str(port)])
        return 0
    from .zoo import show as shown

    shown(name, json_=json_)
    return 0


@app.command(help=text("cli.probes"))
def probes(lang: Lang = None, json_: Json = False) -> int:
    """List all probes."""
    from ..probes import registry

    check_language(lang)
    cards = [registry.card(name) for name in registry.names()]
    if json_:
        found = [{"name": card.name, "question": dict(card.question)} for card in cards]
        view.out(json.dumps(found, ensure_ascii=False, indent=1))
        return 0
    for card in cards:
        view.out(text("cli.probe_line", name=card.name, question=card.question[language()]))
    return 0


@app.command(help=text("cli.schema"))
def schema(
    what: Annotated[str, typer.Argument(metavar="record|plan")] = "record", lang: Lang = None
) -> int:
    """Print a JSON schema."""
    from ..audit.plan import Plan
    from ..audit.record import Record

    check_language(lang)
    model: Any = {"record": Record, "plan": Plan}[one_of("schema", what, ("record", "plan"))]
    view.out(json.dumps(model.model_json_schema(), ensure_ascii=False, indent=1))
    return 0


def _fail_on(given: str | None) -> tuple[str, ...]:
    known = ("established", "indicated", "inconclusive")
    return known if given is None else several("--fail-on", given, known)


def _default_folder(plan: Path) -> Path:
    return Path("runs") / plan.stem


def _prepared(plan: Path, prepare: Any) -> Audit:
    """Return the audit of a plan file, saying its warnings."""
    from ..audit.planfile import load

    loaded = load(plan)
    for warning in loaded.warnings:
        view.note(warning.text())
    audit: Audit = prepare(loaded)
    return audit


def _run(audit: Audit, path: Path, *, quiet: bool, json_: bool, wait: bool = False) -> Record:
    """Drive an audit in its folder, report, and print what came out."""
    from ..audit.run import begin, run
    from .progress import Progress

    wanted = audit.plan.report
    formats = view.writable(wanted.formats)
    folder = begin(audit, path)
    progress = Progress(quiet=quiet or json_)
    with view.stoppable(folder.stop), progress:
        run(audit, folder, watch=progress, wait=wait)
    record = folder.read_record()
    written = _report(folder, wanted.languages, formats, quiet=json_)
    if json_:
        view.out(record.model_dump_json(indent=1))
    else:
        for line in view.record_lines(record):
            view.out(line)
        for report_ in written:
            view.out(text("cli.report_in", path=report_))
    return record


def _report(
    folder: RunFolder,
    languages: tuple[str, ...],
    formats: tuple[str, ...],
    *,
    page: str | None = None,
    quiet: bool = True,
) -> list[Path]:
    from ..audit.folder import disk
    from ..audit.taken import seen
    from ..reports import write

    record, annex_ = folder.read_record(), folder.read_annex()
    with disk(folder.path):
        written = write(record, annex_, folder.path, languages, formats, page, seen(folder))
    if quiet:
        for path in written:
            view.note(text("cli.written", path=path))
    return written
