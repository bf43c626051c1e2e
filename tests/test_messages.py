"""How a sentence is looked up and filled in, and which language it comes in."""

import threading

import pytest

from evenhand import messages

LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture(autouse=True)
def _no_language_chosen(monkeypatch):
    for name in ("EVENHAND_LANG", *LOCALES):
        monkeypatch.delenv(name, raising=False)
    messages.use(None)
    yield
    messages.use(None)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"EVENHAND_LANG": "zh"}, "zh"),
        ({"EVENHAND_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"EVENHAND_LANG": "zh-CN"}, "zh"),
        ({"EVENHAND_LANG": "ZH"}, "zh"),
        ({"EVENHAND_LANG": "fr", "LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_TW.Big5"}, "zh"),
        ({"LANG": "Chinese (Simplified)_China.936"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_ALL": "", "LC_MESSAGES": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_the_language_comes_from_the_surroundings(monkeypatch, environment, expected):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert messages.language() == expected


def test_what_was_chosen_goes_before_the_surroundings(monkeypatch):
    monkeypatch.setenv("EVENHAND_LANG", "en")
    messages.use("zh")
    assert messages.language() == "zh"
    assert messages.text("words.cleared") == "未超限"
    messages.use(None)
    assert messages.text("words.cleared") == "within the limit"


def test_a_choice_stays_in_its_own_context():
    messages.use("zh")
    seen: list[str] = []

    def choose_another() -> None:
        messages.use("en")
        seen.append(messages.language())

    thread = threading.Thread(target=choose_another)
    thread.start()
    thread.join()
    assert (seen, messages.language()) == (["en"], "zh")


def test_a_language_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="must be one of zh, en, got 'fr'"):
        messages.use("fr")


def test_a_sentence_is_filled_in_in_its_language():
    side = {"zh": "某目录", "en": "some folder"}
    assert "某目录" in messages.text("errors.no_such_run", "zh", path=side)
    assert "some folder" in messages.text("errors.no_such_run", "en", path=side)
    both = messages.both("errors.no_such_run", path=side)
    assert set(both) == {"zh", "en"}
    assert "某目录" in both["zh"]
    assert "some folder" in both["en"]


def test_braces_in_a_value_are_left_alone():
    assert "{x}" in messages.text("errors.no_such_run", "en", path="{x}")


@pytest.mark.parametrize(
    "value", ["plain", 3, None, {"zh": "只有一种"}, {"zh": 1, "en": 2, "fr": 3}]
)
def test_only_a_pair_of_languages_is_a_pair(value):
    assert messages.pick(value, "zh") is value


@pytest.mark.parametrize("message_id", ["errors.gone", "nowhere.at_all", "errors"])
def test_an_unknown_sentence_is_a_defect(message_id):
    with pytest.raises(KeyError):
        messages.text(message_id, "en")


def test_a_value_that_was_forgotten_is_a_defect():
    with pytest.raises(KeyError, match="path"):
        messages.text("errors.no_such_run", "en")


def test_areas_and_ids_agree():
    assert {one.partition(".")[0] for one in messages.ids()} == set(messages.areas())
    assert {"errors", "words"} <= set(messages.areas())
