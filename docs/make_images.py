"""Draw the finding that the README shows, from an audit that is run for it.

``python docs/make_images.py`` serves the hotel model, audits it by the plan of ``make demo``, writes the picture in each language to
``docs/images/`` and the words beside it into the README. Nothing in either is written by hand.
"""  # noqa: INP001 - a script

from __future__ import annotations

import re
import sys
from html import escape
from pathlib import Path

from make_pages import exact, terminal

from evenhand.audit.record import Finding, Record
from evenhand.messages import LANGUAGES
from evenhand.reports.charts import interval
from evenhand.reports.context import Context, context
from evenhand.reports.figures import svg

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
README = ROOT / "README.md"
TREATMENT = "country"
STYLE = 'color="#1a1a1a" font-family="system-ui, \'Noto Sans CJK SC\', sans-serif" '
SHEET = '<rect width="100%" height="100%" fill="#ffffff" stroke="none"/>'
"""A picture in a page has no page under it: without a sheet it is unreadable on dark screens."""


def demonstrated() -> tuple[Record, bool]:
    """Return the record of the demonstration's plan, run now, and whether its numbers must agree."""
    with terminal("en", serves=True) as here:
        plan = (here.folder / "examples" / "hotel.yaml").read_text("utf-8")
        here.write("examples/hotel.yaml", plan)
        here.run("evenhand vendors serve hotel --port 8000 &")
        here.run("evenhand run examples/hotel.yaml --quiet --json > record.json")
        record = Record.model_validate_json((here.folder / "record.json").read_bytes())
        return record, exact(here)


def finding(record: Record) -> Finding:
    """Return the finding that is shown."""
    return next(one for one in record.content.findings if one.treatment == TREATMENT)


def picture(about: Context, found: Finding) -> str:
    """Return the chart of a finding as a file that stands by itself."""
    figure = interval(about, found)
    if figure is None:
        raise ValueError(f"{found.id} has no number to draw")
    drawn = svg(figure).replace("<svg ", f"<svg {STYLE}", 1)
    return drawn.replace("</desc>", f"</desc>{SHEET}", 1) + "\n"


def words(about: Context, found: Finding) -> str:
    """Return what stands in the README for a picture: the image with its words, and the model text."""
    figure = interval(about, found)
    parts = [] if figure is None else [figure.title, figure.alt]
    alt = ("。" if about.voice.language == "zh" else ". ").join(parts)
    name = f"docs/images/{name_of(about.voice.language)}"
    heading = f"**{found.id} {about.badge(found.verdict).symbol} {_verdict(about, found)}** "
    claim = about.voice.joined(about.tell.sentences(found))
    question = about.tell.question(found)
    return (
        f'<img src="{name}" width="480" alt="{escape(alt)}">\n\n'
        f"{heading}{question}  \n{claim}  \n{about.tell.strength(found)}"
    )


def _verdict(about: Context, found: Finding) -> str:
    return about.badge(found.verdict).words


def name_of(language: str) -> str:
    """Return the name of the picture in a language."""
    return f"hotel-{TREATMENT}.{language}.svg"


def placed(text: str, language: str, said: str) -> str:
    """Return a page with `said` between the marks of its picture."""
    begin, end = f"<!-- picture {language} -->", f"<!-- /picture {language} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    return pattern.sub(lambda _: f"{begin}\n{said}\n{end}", text)


def made(record: Record) -> tuple[dict[str, str], dict[str, str]]:
    """Return pictures and words by language."""
    found = finding(record)
    abouts = {language: context(record, [], language, None) for language in LANGUAGES}
    return (
        {language: picture(about, found) for language, about in abouts.items()},
        {language: words(about, found) for language, about in abouts.items()},
    )


def main() -> int:
    """Write pictures and words; return 0."""
    record, _ = demonstrated()
    pictures, said = made(record)
    IMAGES.mkdir(exist_ok=True)
    text = README.read_text("utf-8")
    for language in LANGUAGES:
        (IMAGES / name_of(language)).write_text(pictures[language], "utf-8")
        text = placed(text, language, said[language])
    README.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
