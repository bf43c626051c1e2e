"""What must hold of every public name: somebody can read what it is for.

As a script it prints how much is documented and how much of that has an example that runs.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUB_PACKAGES = ("audit", "probes", "metrics", "reports", "datasets")

DOCUMENTED = 0.95

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Name:
    """A public function or class, and what its docstring has."""

    where: str
    documented: bool
    example: bool
    top: bool


def public_names(source: str, where: str) -> Iterator[Name]:
    """Every public function, class and method of a module."""
    yield from _inside(ast.parse(source), where, top=True)


def _inside(body: ast.AST, where: str, *, top: bool) -> Iterator[Name]:
    for node in ast.iter_child_nodes(body):
        if not isinstance(node, Definition) or node.name.startswith("_"):
            continue
        text = ast.get_docstring(node) or ""
        name = f"{where}.{node.name}"
        yield Name(where=name, documented=bool(text), example=">>> " in text, top=top)
        if isinstance(node, ast.ClassDef):
            yield from _inside(node, name, top=False)


def package() -> list[Path]:
    top = ROOT / "src" / "evenhand"
    own = [path for path in top.rglob("*.py") if path.resolve() == path.absolute()]
    return sorted([*own, *(path for name in SUB_PACKAGES for path in (ROOT / name).rglob("*.py"))])


def names() -> list[Name]:
    return [
        name
        for path in package()
        for name in public_names(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())
    ]


def share(found: list[bool]) -> float:
    return sum(found) / len(found) if found else 0.0


def test_public_names_are_documented():
    found = names()
    bare = [name.where for name in found if not name.documented]
    assert share([name.documented for name in found]) >= DOCUMENTED, bare


def test_every_module_says_what_it_is_for():
    bare = [path for path in package() if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert [path.relative_to(ROOT).as_posix() for path in bare] == []


PLANTED = '''
def bare(): ...

def documented():
    """Say it.

    >>> documented()
    """

class Thing:
    """A thing."""

    def method(self): ...

    def _own(self): ...

def _own(): ...
'''


def test_a_planted_module_is_counted():
    found = list(public_names(PLANTED, "m"))
    assert [(name.where, name.documented, name.example, name.top) for name in found] == [
        ("m.bare", False, False, True),
        ("m.documented", True, True, True),
        ("m.Thing", True, False, True),
        ("m.Thing.method", False, False, False),
    ]
    assert share([name.documented for name in found]) == 0.5 < DOCUMENTED


if __name__ == "__main__":
    everything = names()
    tops = [name for name in everything if name.top]
    print(  # noqa: T201 – this is the line that `make test` shows
        f"{len(everything)} public names, {share([n.documented for n in everything]):.0%} documented; "
        f"{share([n.example for n in tops]):.0%} of {len(tops)} functions and classes with an example"
    )
