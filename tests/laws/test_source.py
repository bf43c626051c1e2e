"""What must hold of every module, whoever wrote it."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SUB_PACKAGES = ("audit", "probes", "metrics", "reports", "datasets")

LONGEST = 500
LONG: dict[str, str] = {}
"""Modules that may be longer than `LONGEST` lines, each with its reason."""

PRINTERS = {
    "src/evenhand/cli/": "the command line is the only part that speaks to a terminal",
    "audit/verify.py": "a program of its own inside every bundle, where nothing else of Evenhand is",
    "datasets/vendors/serve.py": "a child process: its one line tells the parent the port",
}
"""Where printing is right, and why."""

GENERATORS = {
    "Generator",
    "default_rng",
    "SeedSequence",
    "BitGenerator",
    "PCG64",
    "PCG64DXSM",
    "Philox",
}
"""What may be used of numpy.random: all of it takes its state from the caller."""


# ------------------------------------------------------------------------------- the checkers


def prints(tree: ast.AST) -> Iterator[int]:
    """Lines that print."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in {"print", "sys.stdout.write"}:
            yield node.lineno


def shared_randomness(tree: ast.AST) -> Iterator[int]:
    """Lines that draw from a generator nobody passed in, or make one without a seed."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(alias.name == "random" for alias in node.names):
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.level == 0 and draws_shared(node):
            yield node.lineno
        if isinstance(node, ast.Attribute):
            owner, _, name = dotted(node).rpartition(".")
            if owner in {"np.random", "numpy.random"} and name not in GENERATORS:
                yield node.lineno
        if (
            isinstance(node, ast.Call)
            and dotted(node.func).endswith("default_rng")
            and not node.args
        ):
            yield node.lineno


def bare_excepts(tree: ast.AST) -> Iterator[int]:
    """Lines that catch everything, the keyboard included, and do not even say so."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and node.type is None:
            yield node.lineno


def absolute_imports(tree: ast.AST) -> Iterator[int]:
    """Lines of the package that import it by its name: two copies of every type."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(
            under(alias.name, "evenhand") for alias in node.names
        ):
            yield node.lineno
        if (
            isinstance(node, ast.ImportFrom)
            and node.level == 0
            and under(node.module or "", "evenhand")
        ):
            yield node.lineno


def bare_folder_imports(tree: ast.AST) -> Iterator[int]:
    """Lines that import a top-level folder by its own name, which an installed copy does not have."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        else:
            continue
        if any(under(name, folder) for name in names for folder in SUB_PACKAGES):
            yield node.lineno


def relative_imports(tree: ast.AST) -> Iterator[int]:
    """Lines that import relatively: outside the package nothing is there to be relative to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node.lineno


def excuses_without_reason(source: str) -> Iterator[int]:
    """Lines that switch a check off and do not say why, or switch off all of them."""
    import io
    import tokenize

    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or "noqa" not in token.string:
            continue
        _, _, rest = token.string.partition("noqa")
        codes, _, reason = rest.lstrip(": ").partition(" ")
        if not rest.startswith(":") or not codes or len(reason.strip(" #:-–—")) < 8:
            yield token.start[0]


def too_long(source: str) -> bool:
    """Whether a module has more lines than one sitting reads."""
    return source.count("\n") > LONGEST


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of names; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def draws_shared(node: ast.ImportFrom) -> bool:
    if node.module == "random":
        return True
    return node.module == "numpy.random" and any(a.name not in GENERATORS for a in node.names)


def under(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


# ------------------------------------------------------------------------------------ the laws


def package() -> list[Path]:
    top = ROOT / "src" / "evenhand"
    own = [path for path in top.rglob("*.py") if path.resolve() == path.absolute()]
    return sorted([*own, *(path for name in SUB_PACKAGES for path in (ROOT / name).rglob("*.py"))])


def outside() -> list[Path]:
    folders = ("tests", "benchmarks", "examples", "notebooks")
    return sorted(path for name in folders for path in (ROOT / name).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


Checker = Callable[[ast.AST], Iterator[int]]

OF_THE_PACKAGE: dict[str, Checker] = {
    "generators are passed in": shared_randomness,
    "no bare except": bare_excepts,
    "relative imports inside the package": absolute_imports,
}
OF_THE_REST: dict[str, Checker] = {
    "no import by a bare folder name": bare_folder_imports,
    "whole imports outside the package": relative_imports,
}


def lines(path: Path, checker: Checker) -> list[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return [f"{name_of(path)}:{line}" for line in checker(tree)]


@pytest.mark.parametrize("law", OF_THE_PACKAGE)
@pytest.mark.parametrize("path", package(), ids=name_of)
def test_the_package_keeps_the_law(path, law):
    assert lines(path, OF_THE_PACKAGE[law]) == []


@pytest.mark.parametrize("law", OF_THE_REST)
@pytest.mark.parametrize("path", outside(), ids=name_of)
def test_what_stands_outside_keeps_the_law(path, law):
    assert lines(path, OF_THE_REST[law]) == []


@pytest.mark.parametrize("path", package(), ids=name_of)
def test_only_the_command_line_prints(path):
    if not name_of(path).startswith(tuple(PRINTERS)):
        assert lines(path, prints) == []


@pytest.mark.parametrize("path", package(), ids=name_of)
def test_a_module_is_read_in_one_sitting(path):
    assert too_long(path.read_text("utf-8")) == (name_of(path) in LONG)


@pytest.mark.parametrize("path", [*package(), *outside()], ids=name_of)
def test_a_check_that_is_switched_off_has_its_reason(path):
    found = excuses_without_reason(path.read_text("utf-8"))
    assert [f"{name_of(path)}:{line}" for line in found] == []


def test_the_laws_look_at_something():
    assert {name_of(path) for path in package()} > {"src/evenhand/errors.py", "probes/design.py"}
    assert "tests/laws/test_source.py" in {name_of(path) for path in outside()}


# ------------------------------------------------------- each checker fails on a planted sample


@pytest.mark.parametrize(
    ("checker", "bad", "good"),
    [
        (prints, "print('x')", "echo('x')"),
        (prints, "import sys\nsys.stdout.write('x')", "sys.stderr"),
        (shared_randomness, "import random", "import secrets"),
        (shared_randomness, "from random import choice", "from secrets import choice"),
        (shared_randomness, "np.random.seed(1)", "np.random.default_rng(1)"),
        (shared_randomness, "x = np.random.normal(size=3)", "x = rng.normal(size=3)"),
        (
            shared_randomness,
            "from numpy.random import normal",
            "from numpy.random import Generator",
        ),
        (shared_randomness, "rng = np.random.default_rng()", "rng = np.random.default_rng(seed)"),
        (bare_excepts, "try:\n  f()\nexcept:\n  pass", "try:\n  f()\nexcept OSError:\n  pass"),
        (absolute_imports, "import evenhand.errors", "from . import errors"),
        (absolute_imports, "from evenhand.errors import UsageError", "import evenhandy"),
        (bare_folder_imports, "import datasets", "import evenhand.datasets"),
        (
            bare_folder_imports,
            "from audit.plan import Plan",
            "from evenhand.audit.plan import Plan",
        ),
        (relative_imports, "from . import helper", "from evenhand import errors"),
    ],
)
def test_a_planted_line_is_caught(checker, bad, good):
    assert list(checker(ast.parse(bad)))
    assert list(checker(ast.parse(good))) == []


def test_a_planted_excuse_is_caught():
    bad = "x = 1  # noqa\ny = 1  # noqa: S311\nz = 1  # noqa: S311 ok\n"
    assert list(excuses_without_reason(bad)) == [1, 2, 3]
    good = "x = 1  # noqa: S311 – seeds a simulation, no secret\ny = 'noqa'\n"
    assert list(excuses_without_reason(good)) == []


def test_a_planted_long_module_is_caught():
    assert too_long("x = 1\n" * (LONGEST + 1))
    assert not too_long("x = 1\n" * LONGEST)
