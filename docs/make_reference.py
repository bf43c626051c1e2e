"""Write the reference pages from what the program itself says: its models and its help.

``python docs/make_reference.py`` renews ``docs/reference/*.md``. What a key is for is said in
``docs/reference/words.toml``; keys, types, limits and defaults come from the models.
"""  # noqa: INP001 - a script

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from evenhand.audit.plan import Plan
from evenhand.audit.record import Record

FOLDER = Path(__file__).parent / "reference"
WORDS = FOLDER / "words.toml"
LANGUAGES = ("zh", "en")
LIMITS = {
    "exclusiveMinimum": ">",
    "minimum": "≥",
    "exclusiveMaximum": "<",
    "maximum": "≤",
    "minLength": "≥",
    "minItems": "≥",
    "pattern": "",
}
LARGEST = 1 << 53
"""A bound as large as this only keeps a number exact; it is not shown."""
SHOWN = 60
"""Characters of a default that fit into a table."""
DUMP = """
import json, typer
from evenhand.cli import commands
group = typer.main.get_command(commands())
found = {}
with typer.Context(group, info_name="evenhand", terminal_width=88) as top:
    found[""] = group.get_help(top)
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        with typer.Context(command, info_name=name, parent=top, terminal_width=88) as inner:
            found[name] = command.get_help(inner)
            for below in command.list_commands(inner) if hasattr(command, "list_commands") else ():
                child = command.get_command(inner, below)
                with typer.Context(child, info_name=below, parent=inner, terminal_width=88) as last:
                    found[f"{name} {below}"] = child.get_help(last)
print(json.dumps(found))
"""
HEADS = {
    "plan": {
        "zh": ("方案的键", "方案是一个 YAML 文件；`evenhand check` 会逐条指出其中的错误。"),
        "en": (
            "Keys of a plan",
            "A plan is a YAML file; `evenhand check` names every mistake in it.",
        ),
    },
    "record": {
        "zh": (
            "记录的键",
            "记录是 `record.json`。报告只由记录（和附件）写成；`content` 计入指纹，`run` 不计入。",
        ),
        "en": (
            "Keys of a record",
            "The record is `record.json`: all that a report is made from. `run` is not hashed.",
        ),
    },
    "commands": {
        "zh": ("命令", "以下是 `evenhand --help` 和各命令的 `--help` 的输出。"),
        "en": ("Commands", "What `evenhand --help` and each command's `--help` print."),
    },
}
COLUMNS = {
    "zh": ("键", "含义", "取值", "默认"),
    "en": ("key", "meaning", "value", "default"),
}
REQUIRED = {"zh": "必填", "en": "required"}
NOTE = {
    "zh": "由 `docs/make_reference.py` 生成，请勿手改。",
    "en": "Made by `docs/make_reference.py`; not to be changed by hand.",
}

Schema = Mapping[str, Any]


def words(page: str) -> dict[str, dict[str, dict[str, str]]]:
    """Return what keys are for: model → key → language → words; the key ``_`` is the model."""
    said: dict[str, dict[str, dict[str, str]]] = tomllib.loads(WORDS.read_text("utf-8"))[page]
    return said


# ------------------------------------------------------------------------------- models


def models_of(top: type[BaseModel]) -> dict[str, Schema]:
    """Return the schemas of a model and of everything in it, in the order that they are met."""
    schema = top.model_json_schema()
    every = {**schema.get("$defs", {}), top.__name__: schema}
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order or "properties" not in every[name]:
            return
        order.append(name)
        for part in every[name]["properties"].values():
            for other in _named(part):
                visit(other)

    visit(top.__name__)
    return {name: every[name] for name in order}


def _named(part: Any) -> Iterator[str]:
    """Yield the names of the models that a part of a schema refers to."""
    if isinstance(part, Mapping):
        if "$ref" in part:
            yield part["$ref"].rpartition("/")[2]
        for value in part.values():
            yield from _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)


def kind(part: Schema) -> str:
    """Return what a value may be, in the words of a table.

    Examples
    --------
    >>> kind({"type": "array", "items": {"enum": ["zh", "en"]}}), kind({"type": "number"})
    ('[`zh` · `en`, …]', 'number')
    """
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf"):
        if several in part:
            kinds = [kind(one) for one in part[several] if one.get("type") != "null"]
            return " · ".join(dict.fromkeys(kinds))
    if "enum" in part or "const" in part:
        return " · ".join(f"`{value}`" for value in part.get("enum", [part.get("const")]))
    if part.get("type") == "array":
        fixed = part.get("prefixItems")
        inner = ", ".join(map(kind, fixed)) if fixed else f"{kind(part.get('items', {}))}, …"
        return f"[{inner}]"
    if part.get("type") == "object":
        inner = part.get("additionalProperties")
        return f"{{…: {kind(inner)}}}" if isinstance(inner, Mapping) and inner else "{…}"
    return str(part.get("type", "…")) + _bounds(part)


def _bounds(part: Schema) -> str:
    bounds = [
        f"{sign} {part[key]}".strip() if sign else f"`{part[key]}`"
        for key, sign in LIMITS.items()
        if key in part and not (isinstance(part[key], int) and part[key] >= LARGEST - 1)
    ]
    return " " + ", ".join(bounds) if bounds else ""


def default(name: str, part: Schema, schema: Schema, language: str) -> str:
    """Return what stands for a key that is not given."""
    if "default" not in part:
        return REQUIRED[language] if name in schema.get("required", ()) else ""
    if part["default"] is None:
        return "–"
    shown = json.dumps(part["default"], ensure_ascii=False)
    return f"`{shown}`" if len(shown) <= SHOWN else "{…}"


def model_page(name: str, top: type[BaseModel], language: str) -> str:
    """Return the reference of a model, one table a part."""
    said = words(name)
    lines = head(name, language)
    for model, schema in models_of(top).items():
        own = said.get(model, {})
        about = own.get("_", {}).get(language) or docstring(schema)
        lines += [f"## {model}", "", about, "", "| " + " | ".join(COLUMNS[language]) + " |"]
        lines += ["|---|---|---|---|"]
        for key, part in schema["properties"].items():
            cells = (
                f"`{key}`",
                own.get(key, {}).get(language, ""),
                kind(part),
                default(key, part, schema, language),
            )
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def docstring(schema: Schema) -> str:
    """Return the first paragraph of what a model says of itself, for a page."""
    said = inspect.cleandoc(schema.get("description", "")).split("\n\n")[0]
    return " ".join(said.split()).replace("``", "`")


# ------------------------------------------------------------------------------- commands


def helps(language: str) -> dict[str, str]:
    """Return the help of each command, as it is printed; the empty name is the program's own."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-P", "-c", DUMP],
        check=True,
        capture_output=True,
        env={**os.environ, "EVENHAND_LANG": language, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"},
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def commands_page(language: str) -> str:
    """Return the help of every command on one page."""
    lines = head("commands", language)
    for name, said in helps(language).items():
        title = f"evenhand {name}".strip()
        plain = "\n".join(line.rstrip() for line in said.splitlines())
        lines += [f"## {title}", "", "```text", plain, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


# ------------------------------------------------------------------------------- pages


def head(name: str, language: str) -> list[str]:
    """Return the title of a page, the link to its other language, and where it comes from."""
    title, about = HEADS[name][language]
    other = f"[中文]({name}.zh.md)" if language == "en" else f"[English]({name}.md)"
    return [f"# {title}", "", f"{other} · {NOTE[language]}", "", about, ""]


def made() -> dict[str, str]:
    """Return every reference page: file name → text."""
    pages: dict[str, str] = {}
    for language in LANGUAGES:
        end = ".zh.md" if language == "zh" else ".md"
        pages[f"plan{end}"] = model_page("plan", Plan, language)
        pages[f"record{end}"] = model_page("record", Record, language)
        pages[f"commands{end}"] = commands_page(language)
    return pages


def main() -> int:
    """Write the reference; return 0."""
    for name, text in made().items():
        (FOLDER / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
