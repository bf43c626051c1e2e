"""Where the size was measured on fresh comparisons, the report says on how many and what came before."""

import re

import pytest
from tests.reports import samples

from evenhand.reports.html import html

SAID = {
    "zh": "差异幅度在另外 300 组新的对照上测得",
    "en": "The size was measured on 300 further comparisons",
}


def record(fresh):
    made = samples.record(samples.finding())
    first, *rest = made.content.findings
    changed = first.model_copy(
        update={"fresh_blocks": fresh, "percent_at_stopping": first.percent if fresh else None}
    )
    content = made.content.model_copy(update={"findings": [changed, *rest]})
    return made.model_copy(update={"content": content})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_fresh_comparisons_are_counted_in_words(language):
    page = re.sub(r"<[^>]+>", "", html(record(300), (), language))
    assert page.count(SAID[language]) >= 2, "in the summary and on the finding's page"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_said_of_fresh_comparisons_where_there_were_none(language):
    assert SAID[language][:8] not in html(record(None), (), language)
