"""Section 0: whose report this is, how to verify it, and what it is not."""

from __future__ import annotations

from ..messages import numbers
from .context import Context, small
from .model import Block, Callout, Fact, Facts, Group

VERIFY = (
    'python -c "import json,hashlib,rfc8785; print(hashlib.sha256(rfc8785.dumps('
    "json.load(open('record.json',encoding='utf-8'))['content'])).hexdigest())\""
)
"""Prints the record's hash from the record alone."""


def blocks(about: Context) -> tuple[Block, ...]:
    """Return the cover."""
    voice, setting = about.voice, about.setting
    who = Facts(
        facts=(
            about.fact("report.vendor", setting.vendor),
            about.fact("report.system", str(setting.target.get("address", "")), code=True),
            about.fact("report.auditor", setting.auditor),
            about.fact("report.commissioned_by", setting.commissioned_by),
            about.fact("report.paid_by", setting.paid_by),
            about.fact("report.conflicts", setting.conflicts),
            about.fact("report.dates", _dates(about)),
            about.fact("report.report_id", about.report_id, code=True),
        )
    )
    hashes = [
        about.fact("report.record_hash", about.record.content_sha256, code=True),
        about.fact("report.lock_hash", about.content.lock_sha256, code=True),
        about.fact("report.plan_hash", about.content.plan_sha256, code=True),
    ]
    if about.run.supersedes:
        hashes.append(about.fact("report.supersedes", about.run.supersedes, code=True))
    is_not = ("report.is_not_forensic", "report.is_not_ruling", _people(about))
    return (
        who,
        Callout(
            title=voice("report.is_not"), texts=tuple(voice(message_id) for message_id in is_not)
        ),
        Facts(facts=tuple(hashes)),
        Group(
            title=voice("report.verify"),
            blocks=(
                Facts(facts=(Fact(name="", value=VERIFY, code=True),)),
                small(voice("report.verify_how")),
            ),
        ),
    )


def _people(about: Context) -> str:
    """Return the id of the sentence that says who the customers are."""
    kind = about.setting.target.get("kind")
    played = {"table": "report.is_not_real_table", "field": "report.is_not_real_field"}
    return played.get(str(kind), "report.is_not_real")


def _dates(about: Context) -> str:
    started, ended = numbers.day(about.run.started), numbers.day(about.run.ended)
    if started == ended or not ended:
        return started
    return about.voice("words.range", low=started, high=ended)
