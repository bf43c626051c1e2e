"""The scripts that make the pages, as modules."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


def _script(name: str) -> Any:
    folder = str(ROOT / "docs")
    if folder not in sys.path:
        sys.path.append(folder)  # last: nothing in docs/ may hide a module of somebody's
    return importlib.import_module(name)


@pytest.fixture(scope="session")
def pages() -> Any:
    return _script("make_pages")


@pytest.fixture(scope="session")
def images() -> Any:
    return _script("make_images")


@pytest.fixture(scope="session")
def reference() -> Any:
    return _script("make_reference")


@pytest.fixture(scope="session")
def zoo() -> Any:
    return _script("make_zoo")


@pytest.fixture(scope="session")
def statistics() -> Any:
    return _script("make_statistics")
