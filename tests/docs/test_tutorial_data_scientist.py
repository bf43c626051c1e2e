"""The data scientist's tutorial: every block runs, and prints what stands under it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = {"en": "tutorial-data-scientist.md", "zh": "tutorial-data-scientist.zh.md"}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "=== next block ==="


def blocks(language):
    return BLOCK.findall((DOCS / LANGUAGES[language]).read_text("utf-8"))


def story(language):
    """Each block that stands for itself, with what it prints."""
    found = blocks(language)
    named = ("# test_prices.py", "# allow.yaml", "# .github")
    return [
        (code, found[place + 1][1] if found[place + 1][0] == "text" else "")
        for place, (kind, code) in enumerate(found)
        if kind == "python" and not code.startswith(named)
    ]


def file(language, name):
    return next(code for _, code in blocks(language) if code.startswith(f"# {name}"))


def child(folder, language, *command):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("COV_", "PYTEST"))
    }
    return subprocess.run(
        [sys.executable, "-P", "-W", "error", *command],
        cwd=folder,
        env={**environment, "EVENHAND_LANG": language, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_it_prints_is_what_stands_there(language, tmp_path):
    told = story(language)
    assert len(told) == 2
    script = f"\nprint({MARK!r})\n".join(code for code, _ in told)
    (tmp_path / "tutorial.py").write_text(script, "utf-8")
    ran = child(tmp_path, language, "tutorial.py")
    assert ran.returncode == 0, ran.stderr
    printed = [part.strip("\n") for part in ran.stdout.split(MARK)]
    assert printed == [expected.strip("\n") for _, expected in told]


@pytest.mark.parametrize("language", LANGUAGES)
def test_its_gate_passes_with_its_allowance(language, tmp_path):
    model = story(language)[0][0].partition("call = dict(")[0]
    call = story(language)[0][0].partition("call = dict(")[2].partition("quiet=True")[0]
    (tmp_path / "prices.py").write_text(f"{model}\nCALL = dict({call})\n", "utf-8")
    (tmp_path / "test_prices.py").write_text(file(language, "test_prices.py"), "utf-8")
    # the page's date is of the day that it was written; the entry is looked at on its own day
    allow = re.sub(r"until: .*", f"until: {soon()}", file(language, "allow.yaml"))
    (tmp_path / "allow.yaml").write_text(allow, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\n", "utf-8")
    plugin = ("-p", "no:evenhand", "-p", "evenhand.pytest_plugin", "-p", "no:cacheprovider")
    ran = child(tmp_path, language, "-m", "pytest", "-q", *plugin)
    assert ran.returncode == 0, ran.stdout
    assert "已说明的差异" in ran.stdout


def soon():
    from datetime import datetime, timedelta

    return (datetime.now().astimezone().date() + timedelta(days=90)).isoformat()


def test_both_languages_show_the_same_code():
    english, chinese = ([code for code, _ in story(language)] for language in ("en", "zh"))
    assert english == chinese
    assert file("en", "test_prices.py") == file("zh", "test_prices.py")
    assert file("en", ".github") == file("zh", ".github")


@pytest.mark.parametrize("name", LANGUAGES.values())
def test_its_links_lead_somewhere(name):
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / name).read_text("utf-8"))
    assert [link for link in links if not (DOCS / link).exists()] == []
