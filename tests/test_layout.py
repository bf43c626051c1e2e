"""The folders at the top are the sub-packages of one package, and only of that one."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import evenhand

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "evenhand"
SUB_PACKAGES = ("audit", "datasets", "metrics", "probes", "reports")


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


@pytest.mark.parametrize("name", SUB_PACKAGES)
def test_each_folder_has_its_link(name):
    link = PACKAGE / name
    assert link.is_symlink(), f"{link} must be a link; on Windows, clone with symlinks switched on"
    assert link.readlink() == Path("../..", name)
    assert link.resolve() == ROOT / name


def test_there_are_no_other_links():
    assert sorted(path.name for path in PACKAGE.iterdir() if path.is_symlink()) == list(
        SUB_PACKAGES
    )


def test_nothing_at_the_top_shadows_the_package():
    assert not (ROOT / "evenhand").exists()
    assert not (ROOT / "conftest.py").exists(), "it would put the checkout on sys.path"


def test_every_folder_with_modules_is_a_package():
    bare = {
        path.parent.relative_to(ROOT).as_posix()
        for name in SUB_PACKAGES
        for path in (ROOT / name).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }
    assert bare == set()


def test_the_wheel_maps_exactly_these_folders(project):
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["only-include"]) == {"src/evenhand", *SUB_PACKAGES}
    assert set(wheel["exclude"]) == {f"/src/evenhand/{name}" for name in SUB_PACKAGES}
    assert wheel["sources"] == {
        "src/evenhand": "evenhand",
        **{name: f"evenhand/{name}" for name in SUB_PACKAGES},
    }


def test_the_tools_never_see_a_module_twice(project):
    assert project["tool"]["mypy"]["files"] == ["src", "tests"]
    assert project["tool"]["pytest"]["ini_options"]["testpaths"] == ["src", "tests"]
    assert project["tool"]["ruff"]["src"] == ["src"]


@pytest.mark.parametrize("name", SUB_PACKAGES)
def test_the_folders_are_not_importable_by_their_own_names(name):
    code = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.find_spec({name!r})\n"
        f"sys.exit(bool(spec and spec.origin and spec.origin.startswith({str(ROOT)!r})))"
    )
    result = subprocess.run([sys.executable, "-P", "-c", code], cwd=ROOT, check=False)
    assert result.returncode == 0


@pytest.mark.parametrize("name", evenhand.__all__)
def test_every_public_name_is_there(name):
    assert getattr(evenhand, name) is not None
    assert name in dir(evenhand)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'fairness'"):
        _ = evenhand.fairness


def test_every_module_that_the_main_path_names_exists():
    named = set(re.findall(r":mod:`([\w.]+)`", evenhand.__doc__ or ""))
    assert {"evenhand.audit.plan", "evenhand.probes.protocol"} < named
    for module in sorted(named):
        importlib.import_module(module)


def test_importing_evenhand_loads_none_of_its_parts():
    code = (
        "import sys, evenhand\n"
        "print(sorted(name for name in sys.modules if name.startswith('evenhand.')))\n"
        "print('numpy' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.split("\n")[:2] == ["[]", "False"]
