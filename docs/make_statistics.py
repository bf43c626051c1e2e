"""Write the page of the statistics: every test with its null hypothesis, its guarantee and its source.

``python docs/make_statistics.py`` renews ``docs/statistics.md`` and ``docs/statistics.zh.md``. Tests
are those of the registry and say themselves what they assume; of the engines, which say it in their
docstrings, the words stand here. Where something is used is looked up in the code.
"""  # noqa: INP001 - a script

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import resolve_name
from pathlib import Path
from typing import Any, NamedTuple

from evenhand.messages import LANGUAGES, text
from evenhand.metrics.registry import Entry, entries

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
USERS = ("metrics", "probes", "audit", "reports", "src/evenhand/api", "src/evenhand/cli")


class Engine(NamedTuple):
    """A statistic that is no test of a fixed table: where it is, what it assumes, what holds."""

    module: str
    name: str
    guarantee: str
    source: str
    en: str
    zh: str


BETTING = "Waudby-Smith & Ramdas (2024), JRSS-B 86(1)"
GAME = "Ramdas, Grünwald, Vovk & Shafer (2023), Statistical Science 38(4)"
E_VALUES = "Vovk & Wang (2021), AoS 49(3)"
OWN = "docs/verdicts.md"
ENGINES = (
    Engine("dependence", "log_dependence", "exact", GAME,
           "Treated arm, reference and twin of a block are exchangeable.",
           "同一对照组里，处理组、基准和同款对照可以互换。"),
    Engine("dependence", "log_one_sided", "exact", GAME,
           "The two answers of a pair are exchangeable; evidence is only that the first is larger.",
           "一对应答可以互换；只有前者更大才算证据。"),
    Engine("dependence", "log_harness", "exact", GAME,
           "Reference and twin are exchangeable: the audit itself treats them alike.",
           "基准和同款对照可以互换：评估本身没有区别对待它们。"),
    Engine("bounded", "log_mean_evidence", "finite-sample", BETTING,
           "The mean of a clipped gap lies on the other side of a limit.",
           "截断后的差异，其平均值在界限的另一侧。"),
    Engine("bounded", "mean_interval", "finite-sample", BETTING,
           "Interval of that mean, at all times at once.",
           "该平均值的区间，任何时刻都成立。"),
    Engine("share", "log_share_inside", "finite-sample", OWN,
           "At least the tolerated share of the contexts is hit.",
           "受影响的情境不少于容许的比例。"),
    Engine("share", "log_share_beyond", "finite-sample", OWN,
           "At most the tolerated share of the contexts is hit.",
           "受影响的情境不多于容许的比例。"),
    Engine("share", "share_interval", "finite-sample", OWN,
           "Interval of that share, at all times at once.",
           "该比例的区间，任何时刻都成立。"),
    Engine("ranking.shift", "log_order_dependence", "exact", GAME,
           "The three lists of a block are exchangeable.",
           "同一对照组的三份列表可以互换。"),
    Engine("evidence", "log_average", "exact", E_VALUES,
           "The sources' own nulls together; whatever the sources share.",
           "各来源的原假设同时成立；不论来源之间有何关联。"),
    Engine("evidence", "e_to_p", "exact", E_VALUES,
           "That of the evidence: the p-value is 1 over it.",
           "与证据相同：p 值是证据的倒数。"),
    Engine("evidence", "p_to_log_e", "exact", E_VALUES,
           "That of the p-value.",
           "与 p 值相同。"),
    Engine("families", "accuse", "exact", "Holm (1979); " + OWN,
           "Each hypothesis its own; no false accusation at any time.",
           "各待检事项各自的原假设；任何时刻都不误判超限。"),
    Engine("families", "clear", "exact", "Marcus, Peritz & Gabriel (1976); " + OWN,
           "Each hypothesis its own; no false clearing at any time.",
           "各待检事项各自的原假设；任何时刻都不误判未超限。"),
    Engine("fixed.multiplicity", "holm", "exact", "Holm (1979), Scand. J. Statist. 6(2)",
           "Each p-value its own; no false discovery at all.",
           "各 p 值各自的原假设；一个误报也没有。"),
    Engine("fixed.multiplicity", "benjamini_hochberg", "exact",
           "Benjamini & Hochberg (1995), JRSS-B 57(1)",
           "Each p-value its own; few discoveries false, where they are independent.",
           "各 p 值各自的原假设；相互独立时，误报占比受控。"),
    Engine("fixed.multiplicity", "benjamini_yekutieli", "exact",
           "Benjamini & Yekutieli (2001), AoS 29(4)",
           "Each p-value its own; few discoveries false, whatever they share.",
           "各 p 值各自的原假设；不论有何关联，误报占比受控。"),
    Engine("fixed.multiplicity", "e_benjamini_hochberg", "exact",
           "Wang & Ramdas (2022), JRSS-B 84(3)",
           "Each e-value its own; few discoveries false, whatever they share.",
           "各 e 值各自的原假设；不论有何关联，误报占比受控。"),
)  # fmt: skip

HEADS = {
    "en": """\
# The statistics: what each test assumes and guarantees

[中文](statistics.zh.md) · Made by `docs/make_statistics.py`; not to be changed by hand.

*exact*: holds as it stands, for any number of answers. *finite-sample*: holds for any number of
answers, and errs on the safe side. *asymptotic*: holds better the more answers there are. How often
each raises a false alarm is counted in [the table of false alarms](tables/type_one.md).
""",
    "zh": """\
# 统计方法：每项检验假定什么、保证什么

[English](statistics.md) · 由 `docs/make_statistics.py` 生成，请勿手改。

*精确*：不论应答多少，都恰好成立。*有限样本*：不论应答多少都成立，误差只偏向稳妥的一边。*渐近*：应答越多越准确。
每项检验实际误报多少次，见[误报表](tables/type_one.md)。
""",
}
PARTS = {
    "en": (
        "What the verdicts stand on",
        "These may be looked at whenever one likes; with the adjustments of many tests at the end.",
        ("function", "null hypothesis, or what it gives", "guarantee", "source", "used by"),
    ),
    "zh": (
        "结论的依据",
        "这些证据随时可以查看；最后几项用于同时进行多项检验。",
        ("函数", "原假设，或给出什么", "保证", "出处", "用在哪里"),
    ),
}
TABLES = {
    "en": (
        "Tests of a table",
        "For data of your own, by what they are handed.",
        ("test", "null hypothesis", "guarantee", "estimate in", "source"),
    ),
    "zh": (
        "数据表的检验",
        "用于自己的数据，按输入分组。",
        ("检验", "原假设", "保证", "估计值的单位", "出处"),
    ),
}
KINDS = {
    "gaps": ("gaps of matched pairs", "配对之差"),
    "price pairs": ("matched prices", "配对的价格"),
    "binary pairs": ("matched yes or no", "配对的是与否"),
    "blocks": ("whole blocks", "完整的对照组"),
    "ladder": ("ladders of levels", "档次阶梯"),
    "crossed": ("personas × items", "模拟用户 × 商品"),
    "arms": ("independent arms", "独立的两组"),
    "price arms": ("prices of independent arms", "独立两组的价格"),
    "binary arms": ("yes or no in independent arms", "独立两组的是与否"),
    "strata": ("two arms in strata", "分层的两组"),
    "binary strata": ("yes or no in strata", "分层的是与否"),
    "groups": ("several groups", "多个组"),
    "binary groups": ("yes or no in several groups", "多个组的是与否"),
    "outcomes": ("many outcomes of two arms", "两组的多项结果"),
    "outcome gaps": ("many outcomes of matched pairs", "配对的多项结果"),
    "stream": ("gaps at looks that were fixed", "在事先定好的时点查看的差异"),
    "binary stream": ("yes or no as it comes in", "陆续到来的是与否"),
    "distances": ("distances of ranked lists", "列表之间的距离"),
}
GUARANTEES = {
    "exact": "report.guarantee_exact",
    "finite-sample": "report.guarantee_finite",
    "asymptotic": "report.guarantee_asymptotic",
    "heuristic": "report.guarantee_heuristic",
}


@cache
def _laws() -> Any:
    """Return the laws of the tests, which have a sample for every kind of data."""
    path = ROOT / "tests" / "laws" / "test_metrics.py"
    spec = importlib.util.spec_from_file_location("laws_of_metrics", path)
    if spec is None or spec.loader is None:
        raise ImportError(str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def _result(entry_name: str) -> Any:
    entry = next(one for one in entries() if one.name == entry_name)
    return _laws().run(entry, _laws().sample(entry.kind))


@cache
def _uses() -> dict[str, frozenset[str]]:
    """Return what every module takes from others, by whole names: path → names."""
    paths = [path for folder in USERS for path in sorted((ROOT / folder).rglob("*.py"))]
    names = [path.relative_to(ROOT).as_posix().removeprefix("src/evenhand/") for path in paths]
    return {
        name: frozenset(_taken(ast.parse(path.read_text("utf-8")), name))
        for name, path in zip(names, paths, strict=True)
    }


def _taken(tree: ast.Module, path: str) -> Iterator[str]:
    """Yield ``package.module.name`` of what is imported, or named behind a module's alias."""
    package = "evenhand." + path.rpartition("/")[0].replace("/", ".")
    alias: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            home = resolve_name("." * node.level + (node.module or ""), package)
            for name in node.names:
                alias[name.asname or name.name] = f"{home}.{name.name}"
    yield from alias.values()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{alias.get(node.value.id, '')}.{node.attr}"


def used_by(engine: Engine) -> list[str]:
    """Return the modules that take an engine, from where it stands or from its package."""
    homes = {engine.module, engine.module.rpartition(".")[0] or engine.module}
    wanted = {f"evenhand.metrics.{home}.{engine.name}" for home in homes}
    return [path for path, taken in _uses().items() if wanted & taken and not own(path, engine)]


def own(path: str, engine: Engine) -> bool:
    """Whether a path is the package that shows an engine to the outside."""
    return path == f"metrics/{engine.module.split('.')[0]}/__init__.py"


def page(language: str) -> str:
    """Return the page in one language."""
    title, about, columns = PARTS[language]
    rows = [_engine(engine, language) for engine in ENGINES]
    lines = [HEADS[language], f"## {title}", "", about, "", *_table(columns, rows), ""]
    title, about, columns = TABLES[language]
    lines += [f"## {title}", "", about, ""]
    for kind, names in KINDS.items():
        own = [_test(entry, language) for entry in entries() if entry.kind == kind]
        heading = names[language == "zh"]
        lines += [f"### {heading[0].upper()}{heading[1:]}", "", *_table(columns, own), ""]
    return "\n".join(lines)


def _engine(engine: Engine, language: str) -> tuple[str, ...]:
    users = [f"`{path}`" for path in used_by(engine)]
    return (
        f"`{engine.module}.{engine.name}`",
        engine.zh if language == "zh" else engine.en,
        text(GUARANTEES[engine.guarantee], language),
        engine.source,
        "<br>".join(users) or "–",
    )


def _test(entry: Entry, language: str) -> tuple[str, ...]:
    found = _result(entry.name)
    home = entry.function.__module__.removeprefix("evenhand.metrics.")
    return (
        f"`{home}.{entry.function.__name__}`",
        found.null_text(language),
        text(GUARANTEES[found.guarantee], language),
        found.unit,
        found.reference,
    )


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cells) + " |"

    return [line(columns), "|" + "---|" * len(columns), *map(line, rows)]


def made() -> dict[str, str]:
    """Return the pages: file name → text."""
    return {
        ("statistics.md" if one == "en" else f"statistics.{one}.md"): page(one) for one in LANGUAGES
    }


def main() -> int:
    """Write the pages; return 0."""
    for name, written in made().items():
        (FOLDER / name).write_text(written, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
