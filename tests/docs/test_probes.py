"""Every probe has a page in both languages, which says what its card says."""

import importlib.util
from pathlib import Path

import pytest

from evenhand.probes import registry

ROOT = Path(__file__).parents[2]
_spec = importlib.util.spec_from_file_location("make_probes", ROOT / "docs" / "make_probes.py")
assert _spec is not None
assert _spec.loader is not None
make_probes = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(make_probes)
PAGES = make_probes.pages()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_says_what_its_card_says(path):
    assert path.is_file(), "python docs/make_probes.py makes it"
    assert path.read_text("utf-8") == PAGES[path], "python docs/make_probes.py renews it"


@pytest.mark.parametrize("name", registry.names())
def test_every_setting_and_kind_of_a_card_is_on_its_page(name):
    card = registry.card(name)
    for language, ending in make_probes.LANGUAGES.items():
        text = (make_probes.FOLDER / f"{name}{ending}").read_text("utf-8")
        for code in (*card.options, *card.finding_kinds, *card.outcomes, *card.tolerance):
            assert f"`{code}`" in text
        assert card.question[language] in text


def test_a_page_that_is_stale_is_renewed_and_its_own_words_stay():
    card = registry.card("pricing.value")
    now = make_probes.page(card, "en", "") + "\n## By hand\n\nOwn words.\n"
    stale = now.replace(card.question["en"], "Something else?")
    assert stale != now
    assert make_probes.page(card, "en", stale) == now
