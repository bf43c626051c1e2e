"""What must hold of every sentence that people read, wherever it stands."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from evenhand import messages
from evenhand.probes import registry

ROOT = Path(__file__).parents[2]
SUB_PACKAGES = ("audit", "probes", "metrics", "reports", "datasets")

FILE_ENDINGS = "(?:yaml|yml|json|jsonl|html|pdf|csv|toml|py|sqlite|txt|svg|css|md|parquet|lock|typ)"

BANNED = {
    "容差": "判定界限",
    "容许差异": "判定界限",
    "未发现": "未超限，或尚不能判断",
    "迹象": "有差异，幅度未定",
    "涉嫌": "涉及",
    "违反": "涉及",
    "用户画像": "模拟用户",
    "价格歧视": "差别报价",
    r"(?i:\bviolat\w*)": "bears on",
    r"(?i:\bprice discrimination\b)": "different quotes",
}
"""Words that say more than an audit can know, and what is said instead."""


# ------------------------------------------------------------------------------- the checkers


def entry_problems(message_id: str, entry: object) -> Iterator[str]:
    """What is wrong with one entry of the catalogue."""
    if not isinstance(entry, Mapping) or set(entry) != set(messages.LANGUAGES):
        yield f"{message_id}: needs exactly the keys {', '.join(messages.LANGUAGES)}"
        return
    for language, sentence in entry.items():
        if not isinstance(sentence, str) or not sentence.strip():
            yield f"{message_id}: {language} is empty"
    placeholders = {language: fields(sentence) for language, sentence in entry.items()}
    if placeholders["zh"] != placeholders["en"]:
        yield f"{message_id}: zh and en differ in their placeholders, {placeholders}"
    for name in placeholders["zh"] | placeholders["en"]:
        if not name.isidentifier():
            yield f"{message_id}: {{{name}}} is not the name of a value"


def fields(sentence: str) -> set[str]:
    """Names of the placeholders of a sentence, without their formats."""
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def script_problems(entry: Mapping[str, str]) -> Iterator[str]:
    """Whether each side is in its own language, as far as its letters tell."""
    words = re.sub(r"\{[^}]*\}", "", entry["zh"])
    if re.search(r"[A-Za-z]{3}", words) and not re.search(r"[\u4e00-\u9fff]", words):
        yield "zh has no Chinese in it"
    if re.search(r"[\u4e00-\u9fff]", re.sub(r"无欺|[“《][^”》]*[”》]", "", entry["en"])):
        yield "en has Chinese in it"


def banned_words(sentence: str) -> list[str]:
    """Banned words of a sentence; titles of provisions and quotations are other people's words."""
    own = re.sub(r"《[^》]*》|“[^”]*”|「[^」]*」", "", sentence)
    return [pattern for pattern in BANNED if re.search(pattern, own)]


def literal_ids(source: str, areas: Iterable[str]) -> tuple[set[str], set[str]]:
    """Ids that a module writes down: whole ones, and patterns of those it puts together."""
    inside = "|".join(map(re.escape, areas))
    whole: set[str] = set()
    patterns: set[str] = set()
    tree = ast.parse(source)
    pieces = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            pattern = pattern_of(node)
            if re.match(rf"(?:{inside})\\\.", pattern) and not names_a_file(pattern):
                patterns.add(pattern)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in pieces
        ):
            text = node.value
            known_area = re.fullmatch(rf"(?:{inside})\.[a-z][a-z0-9_]*", text)
            if known_area and not names_a_file(text):
                whole.add(text)
    return whole, patterns


def names_a_file(text: str) -> bool:
    return bool(re.search(rf"\.{FILE_ENDINGS}$", text))


def pattern_of(node: ast.JoinedStr) -> str:
    """The regular expression that an f-string's values match."""
    return "".join(
        re.escape(part.value)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
        else "[a-z0-9_]+"
        for part in node.values
    )


def asked_ids(source: str) -> set[str]:
    """First arguments that are written down of calls that look a sentence up, in any area."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        owner = node.func.value if isinstance(node.func, ast.Attribute) else None
        looks_up = called in {"text", "both", "template"} and getattr(owner, "id", "") == "messages"
        raises = called == "Problem" or (called.endswith("Error") and called not in BUILT_IN_ERRORS)
        first = node.args[0]
        if (looks_up or raises) and isinstance(first, ast.Constant) and is_id(first.value):
            found.add(str(first.value))
    return found


def is_id(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"[a-z_]+\.[a-z][a-z0-9_.]*", value))


BUILT_IN_ERRORS = {
    name
    for name, value in vars(__import__("builtins")).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


def template_ids(text: str, areas: Iterable[str]) -> set[str]:
    """Ids that a page template writes down between quotes."""
    inside = "|".join(map(re.escape, areas))
    return set(re.findall(rf"""["']((?:{inside})\.[a-z][a-z0-9_]*)["']""", text))


def whole_area(pattern: str, areas: Iterable[str]) -> str | None:
    """The area that a pattern is all of, ``f"words.{verdict}"``; None where it says more."""
    return next((a for a in areas if pattern == re.escape(f"{a}.") + "[a-z0-9_]+"), None)


def written_words(source: str) -> set[str]:
    """Every string of a module that could be the name of a sentence."""
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"[a-z][a-z0-9_]*", node.value)
    }


def used_ids(
    known: Iterable[str],
    whole: set[str],
    patterns: set[str],
    written: set[str],
    areas: Iterable[str],
) -> set[str]:
    """Ids that something can ask for.

    An f-string that is an area and a name hides nothing: the name must be written down somewhere.
    """
    broad = {whole_area(pattern, areas) for pattern in patterns} - {None}
    narrow = [re.compile(p) for p in patterns if whole_area(p, areas) is None]
    return {
        one
        for one in known
        if one in whole
        or any(pattern.fullmatch(one) for pattern in narrow)
        or (one.partition(".")[0] in broad and one.partition(".")[2] in written)
    }


# ---------------------------------------------------------------------------------- the source


def sources() -> list[Path]:
    own = [path for path in (ROOT / "src" / "evenhand").rglob("*.py") if not through_link(path)]
    return sorted([*own, *(path for name in SUB_PACKAGES for path in (ROOT / name).rglob("*.py"))])


def through_link(path: Path) -> bool:
    return path.resolve() != path.absolute()


def templates() -> list[Path]:
    return sorted(path for path in (ROOT / "reports" / "templates").rglob("*") if path.is_file())


def catalogue() -> dict[str, Any]:
    import tomllib

    folder = ROOT / "src" / "evenhand" / "messages"
    return {
        f"{path.stem}.{name}": entry
        for path in sorted(folder.glob("*.toml"))
        for name, entry in tomllib.loads(path.read_text("utf-8")).items()
    }


CATALOGUE = catalogue()


@pytest.fixture(scope="module")
def used() -> tuple[set[str], set[str]]:
    areas = messages.areas()
    whole: set[str] = set()
    patterns: set[str] = set()
    for path in sources():
        ids, families = literal_ids(path.read_text("utf-8"), areas)
        whole |= ids
        patterns |= families
    for path in templates():
        whole |= template_ids(path.read_text("utf-8"), areas)
    return whole, patterns


# ------------------------------------------------------------------------------------ the laws


@pytest.mark.parametrize("message_id", CATALOGUE)
def test_every_sentence_is_whole_in_both_languages(message_id):
    entry = CATALOGUE[message_id]
    assert list(entry_problems(message_id, entry)) == []
    assert list(script_problems(entry)) == []


@pytest.mark.parametrize("message_id", CATALOGUE)
def test_no_sentence_says_more_than_an_audit_knows(message_id):
    assert {lang: banned_words(text) for lang, text in CATALOGUE[message_id].items()} == {
        "zh": [],
        "en": [],
    }


def test_the_catalogue_that_is_read_is_the_one_on_file():
    assert set(messages.ids()) == set(CATALOGUE)


def test_no_sentence_is_missing(used):
    whole, patterns = used
    # a probe may be named like a sentence: areas of both are called alike
    assert sorted(whole - set(CATALOGUE) - set(registry.names())) == []
    empty = [p for p in patterns if not any(re.fullmatch(p, known) for known in CATALOGUE)]
    assert sorted(empty) == []


def test_no_sentence_is_asked_for_from_an_area_that_does_not_exist():
    asked = {path.name: asked_ids(path.read_text("utf-8")) - set(CATALOGUE) for path in sources()}
    assert {name: ids for name, ids in asked.items() if ids} == {}


def test_no_sentence_is_unused(used):
    whole, patterns = used
    written = set().union(*(written_words(path.read_text("utf-8")) for path in sources()))
    found = used_ids(CATALOGUE, whole, patterns, written, messages.areas())
    assert sorted(set(CATALOGUE) - found) == []


@pytest.mark.parametrize("path", templates(), ids=lambda path: path.name)
def test_no_template_says_more_than_an_audit_knows(path):
    assert banned_words(path.read_text("utf-8")) == []


PAGES = sorted(
    path for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if path.is_file()
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_no_page_says_more_than_an_audit_knows(path):
    assert banned_words(path.read_text("utf-8")) == []


# ------------------------------------------------------- each checker fails on a planted sample


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"zh": "好"}, "exactly the keys"),
        ({"zh": "好", "en": "good", "fr": "bon"}, "exactly the keys"),
        ("good", "exactly the keys"),
        ({"zh": "好", "en": " "}, "empty"),
        ({"zh": "{count} 处", "en": "{number} places"}, "placeholders"),
        ({"zh": "{count} 处", "en": "places"}, "placeholders"),
        ({"zh": "{} 处", "en": "{} places"}, "not the name"),
        ({"zh": "{a.b} 处", "en": "{a.b} places"}, "not the name"),
    ],
)
def test_a_planted_entry_is_caught(entry, complaint):
    assert any(complaint in problem for problem in entry_problems("area.name", entry))


def test_a_planted_mix_of_languages_is_caught():
    assert list(script_problems({"zh": "No such file", "en": "没有这个文件"})) == [
        "zh has no Chinese in it",
        "en has Chinese in it",
    ]
    assert list(script_problems({"zh": "{path}: HTTP 请求", "en": "{path}: request"})) == []


@pytest.mark.parametrize(
    "sentence",
    [
        "容差为 1%",
        "未发现差异",
        "该平台涉嫌杀熟",
        "This violates the law.",
        "a Violation",
        "构成价格歧视",
    ],
)
def test_a_planted_word_is_caught(sentence):
    assert banned_words(sentence)


def test_words_of_others_may_be_quoted():
    assert banned_words("涉及《禁止价格歧视行为规定》；原文为“违反本法规定”") == []
    assert banned_words("within the limit") == []


PLANTED = '''
def look(name, verdict):
    """errors.no_such_thing"""
    raise UsageError("errors.no_such_thing", file="errors.toml")
    return messages.text(f"words.{verdict}") + messages.both(f"errors.plan_{name}_key") + text("other.x")
    open(f"errors.{name}.html")
'''


def test_planted_ids_are_found():
    whole, patterns = literal_ids(PLANTED, ["errors", "words"])
    assert whole == {"errors.no_such_thing"}
    assert patterns == {r"words\.[a-z0-9_]+", r"errors\.plan_[a-z0-9_]+_key"}


def test_a_planted_sentence_that_nothing_asks_for_is_caught():
    known = ["words.small", "words.gone", "errors.plan_a_key", "errors.gone", "errors.bad"]
    found = used_ids(
        known,
        whole={"errors.bad"},
        patterns={r"words\.[a-z0-9_]+", r"errors\.plan_[a-z0-9_]+_key"},
        written=written_words("x = 'small' if y else 'Gone away'"),
        areas=["words", "errors"],
    )
    assert set(known) - found == {"words.gone", "errors.gone"}


def test_planted_calls_are_found():
    source = (
        'messages.both("nowhere.x")\nProblem("gone.y")\nPlanError("z.z")\nValueError("a sentence")'
    )
    assert asked_ids(source) == {"nowhere.x", "gone.y", "z.z"}


def test_planted_ids_of_a_template_are_found():
    text = "<h1>{{ t('report.title') }}</h1>{{ t(\"report.gone\", n=1) }} report.other"
    assert template_ids(text, ["report"]) == {"report.title", "report.gone"}
