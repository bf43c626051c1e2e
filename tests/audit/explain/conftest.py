"""What tests of explanations share."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def rehearsal():
    path = Path(__file__).parents[1] / "rehearsal.py"
    spec = importlib.util.spec_from_file_location("rehearsal", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
