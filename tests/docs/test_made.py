"""Reference and picture are what the program says now."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = [f"{page}{end}" for page in ("plan", "record", "commands") for end in (".md", ".zh.md")]
STALE = "stale: run python docs/make_reference.py and docs/make_images.py"


@pytest.fixture(scope="module")
def made(reference):
    return reference.made()


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_is_fresh(name, made):
    committed = (ROOT / "docs" / "reference" / name).read_text("utf-8")
    # another version of the library that prints help may break its lines elsewhere
    assert made[name].split() == committed.split(), STALE


def test_every_word_is_about_a_key_that_exists(reference):
    tops = {"plan": reference.Plan, "record": reference.Record}
    for page, top in tops.items():
        models = reference.models_of(top)
        for model, keys in reference.words(page).items():
            assert set(keys) - {"_"} <= set(models[model]["properties"]), f"{page}.{model}"


def test_every_word_is_in_both_languages(reference):
    for page in ("plan", "record"):
        for model, keys in reference.words(page).items():
            for key, said in keys.items():
                assert set(said) == {"zh", "en"}, f"{page}.{model}.{key}"
                assert all(said.values()), f"{page}.{model}.{key}"


def test_the_words_for_plans_are_whole(reference):
    models = reference.models_of(reference.Plan)
    said = reference.words("plan")
    parts = ("Plan", "About", "Authorisation", "Tolerance", "Positive", "Budget", "AttributePart")
    for part in parts:
        assert set(models[part]["properties"]) <= set(said[part]), part


@pytest.fixture(scope="module")
def drawn(images):
    record, exact = images.demonstrated()
    return *images.made(record), exact


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_picture_is_of_a_finding_that_the_demonstration_makes(language, drawn, images):
    pictures, words, exact = drawn
    svg = (images.IMAGES / images.name_of(language)).read_text("utf-8")
    readme = images.README.read_text("utf-8")
    assert readme == images.placed(readme, language, _shown(readme, language))
    if exact:
        assert pictures[language] == svg, STALE
        assert words[language] in readme, STALE
    assert _kind(pictures[language]) == _kind(svg)


def _shown(readme: str, language: str) -> str:
    mark = rf"<!-- picture {language} -->\n(.*?)\n<!-- /picture {language} -->"
    found = re.search(mark, readme, re.DOTALL)
    assert found is not None
    return found[1]


def _kind(svg: str) -> list[str]:
    """What is drawn, and in which order, wherever it stands."""
    return re.findall(r"<(rect|polygon|circle|desc|title)\b", svg)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_who_cannot_see_the_picture_reads_what_it_shows(language, images):
    readme = images.README.read_text("utf-8")
    svg = (images.IMAGES / images.name_of(language)).read_text("utf-8")
    alt = re.search(
        rf'<img src="docs/images/{images.name_of(language)}" [^>]*alt="([^"]+)"', readme
    )
    described = re.search(r"<desc>(.*?)</desc>", svg)
    assert alt is not None
    assert described is not None
    assert alt[1].endswith(described[1])
