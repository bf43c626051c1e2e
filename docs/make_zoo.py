"""Write the page of the zoo from what its vendors say of themselves.

``python docs/make_zoo.py`` renews ``docs/zoo.md`` and ``docs/zoo.zh.md``. Questions, truths and
noise are the vendors' own data; the words around them stand here.
"""  # noqa: INP001 - a script

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from evenhand.datasets import vendors
from evenhand.datasets.vendors import Vendor
from evenhand.datasets.vendors.telling import noise, told
from evenhand.datasets.vendors.truth import Frame
from evenhand.messages import LANGUAGES, text

FOLDER = Path(__file__).parent

HEADS = {
    "en": """\
# The zoo: vendors whose truth is known

[中文](zoo.zh.md) · Made by `docs/make_zoo.py`; not to be changed by hand.

Only a vendor whose truth is known can show that an audit accuses and clears rightly. Here are
{planted} of them, and {trained} models that were learnt from real data; each is a small module that
anybody can read, in `datasets/vendors/fair`, `guilty` and `trained`. What is said here of each is data beside its code, and a test asks each about every context of its
frame to see that it is so. None of them knows anything of audits.

An effect is beyond the limit where its mean is above {mean} (a ratio, a part of the list price, a
chance) or more than {share} of the contexts differ by more than {beyond}; `one_percent` is told
against half of that mean. Noise is the standard deviation of one quote.

## Try one

```sh
evenhand vendors
evenhand vendors serve device_markup --port 8000
```

Served, `POST /quote` takes the vendor's fields as one JSON object; `/cart` and `/checkout` do too;
`/register`, `/view`, `/search`, `/optout` and `/release` take an `identity`; `GET /openapi.json` says
which fields there are. In process a plan names the vendor: `function:
evenhand.datasets.vendors:device_markup.quote`. Vendors that remember what a customer did are asked
through their shop: `function: evenhand.datasets.vendors.shop:repeat_looks`.
""",
    "zh": """\
# 真相已知的平台

[English](zoo.md) · 由 `docs/make_zoo.py` 生成，请勿手改。

只有真相已知的平台，才能检验一次评估该指出的是否指出、该放行的是否放行。这里有 {planted} 个，另有 {trained} 个用真实数据训练的模型；
每个都是一段人人可读的小程序，位于 `datasets/vendors/fair`、`guilty` 和 `trained`。下面的每一句都是写在代码旁的数据，并由测试在全部情境上逐一询价核对。
它们都不知道评估的存在。

差异的平均值超过 {mean}（价格之比、占标价的比例或概率），或超过 {share} 的情境相差 {beyond} 以上，即为超限；
`one_percent` 的界限减半。波动是单次报价的标准差。

## 试一试

```sh
evenhand vendors
evenhand vendors serve device_markup --port 8000
```

启动之后，`POST /quote` 接收一个含有所需字段的 JSON 对象，`/cart` 和 `/checkout` 也一样；`/register`、`/view`、
`/search`、`/optout` 和 `/release` 接收 `identity`；字段见 `GET /openapi.json`。在同一进程中，方案里写明平台即可：
`function: evenhand.datasets.vendors:device_markup.quote`。会记住顾客行为的平台要经过它的店铺：
`function: evenhand.datasets.vendors.shop:repeat_looks`。
""",
}
COLUMNS = {
    "en": ("vendor", "question", "what is true", "noise", "remembers"),
    "zh": ("平台", "问题", "真相", "波动", "记住什么"),
}
WORLDS = {
    "en": (
        "What the truths are about",
        ("population", "items", "conditions", "at home", "vendors"),
    ),
    "zh": ("真相所指的范围", ("人群", "商品", "同等交易条件", "基准", "平台")),
}


def page(language: str) -> str:
    """Return the page of the zoo in one language."""
    some = vendors.get("flat_fare").truth.effects[0].limit
    head = HEADS[language].format(
        planted=len(vendors.names("fair") + vendors.names("guilty")),
        trained=len(vendors.names("trained")),
        mean=f"{some.mean:.0%}",
        share=f"{some.share:.0%}",
        beyond=f"{some.beyond:.0%}",
    )
    lines = [head]
    for group in vendors.GROUPS:
        title = text(f"vendors.group_{group}", language)
        rows = [_row(vendors.get(name), language) for name in vendors.names(group)]
        lines += [f"## {title}", "", *_table(COLUMNS[language], rows), ""]
    title, columns = WORLDS[language]
    return "\n".join([*lines, f"## {title}", "", *_table(columns, list(_worlds())), ""])


def _row(vendor: Vendor, language: str) -> tuple[str, ...]:
    return (
        f"`{vendor.name}`",
        vendor.truth.question[language],
        "<br>".join(told(vendor, language)),
        noise(vendor, language),
        ", ".join(f"`{name}`" for name in vendor.remembers),
    )


def _worlds() -> Iterator[tuple[str, ...]]:
    """Yield one row a frame: what the vendors that share it sell, and to whom."""
    every = [vendors.get(name) for name in vendors.names()]
    frames: list[Frame] = []
    for vendor in every:
        if vendor.frame not in frames:
            frames.append(vendor.frame)
    for frame in frames:
        home = ", ".join(f"`{name}` {level}" for name, level in frame.home.items())
        conditions = ", ".join(
            f"`{name}` {' · '.join(map(str, levels))}" for name, levels in frame.conditions.items()
        )
        items = ", ".join(f"`{name}` ({len(values)})" for name, values in frame.items.items())
        own = ", ".join(f"`{vendor.name}`" for vendor in every if vendor.frame == frame)
        yield f"`{frame.population or '–'}`", items, conditions, home, own


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cells) + " |"

    return [line(columns), "|" + "---|" * len(columns), *map(line, rows)]


def made() -> dict[str, str]:
    """Return the pages: file name → text."""
    return {("zoo.md" if one == "en" else f"zoo.{one}.md"): page(one) for one in LANGUAGES}


def main() -> int:
    """Write the pages; return 0."""
    for name, written in made().items():
        (FOLDER / name).write_text(written, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
