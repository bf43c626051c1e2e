"""Settings of a plan's entry that are not what they must be are told with what was got."""

import pytest

from evenhand.errors import UsageError
from evenhand.probes.options import Options
from evenhand.probes.registry import make


def test_names_and_paths_are_read_as_they_are_given():
    own = Options("a.b", {"items": ["x", 7], "paths": {"twice": ["quote", "quote"]}})
    assert own.names("items") == ("x", "7")
    assert own.names("none") == ()
    assert own.paths("paths") == {"twice": ("quote", "quote")}
    assert own.paths("none") == {}


@pytest.mark.parametrize(
    ("use", "options"),
    [
        ("steering.exposure", {"items": "tea"}),
        ("steering.exposure", {"items": [["tea"]]}),
        ("pricing.path", {"paths": ["quote"]}),
        ("pricing.path", {"paths": {"twice": "quote"}}),
        ("pricing.path", {"paths": {"none": []}}),
        ("steering.ranking", {"measures": ["rbo", "spearman"]}),
        ("steering.ranking", {"places": -1}),
        ("disclosure.notice", {"apart": "3%"}),
    ],
)
def test_what_a_setting_must_be_is_told_with_what_it_is(use, options):
    with pytest.raises(UsageError) as caught:
        make(use, {"treat": ["t0"], "options": options})
    for language in ("zh", "en"):
        said = caught.value.text(language)
        assert use in said
        assert next(iter(options)) in said
