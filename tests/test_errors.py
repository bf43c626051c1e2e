"""What is raised on purpose reads well in both languages and ends the command with the right code."""

import inspect
import pickle

import pytest

from evenhand import errors, messages

CODES = {
    "EvenhandError": 2,
    "UsageError": 2,
    "MistakesError": 2,
    "PlanError": 2,
    "SheetError": 2,
    "InputError": 2,
    "MissingExtraError": 2,
    "AuthorisationError": 2,
    "TargetError": 4,
    "EvidenceError": 5,
    "PausedError": 6,
}
"""As the command line promises them; 0, 1 and 3 are verdicts and no errors."""


def tree():
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, errors.EvenhandError)
    }


def test_the_exit_codes_are_the_promised_ones():
    assert {name: value.exit_code for name, value in tree().items()} == CODES


def test_the_drawn_tree_is_the_real_one():
    drawn = inspect.getdoc(errors) or ""
    for name, value in list(tree().items())[1:]:
        line = next(line for line in drawn.split("\n") if name in line.split())
        assert str(value.exit_code) in line.split()


@pytest.fixture(autouse=True)
def _english():
    messages.use("en")
    yield
    messages.use(None)


def test_the_text_is_made_when_it_is_read():
    error = errors.TargetError("errors.no_such_run", path="runs/x")
    assert (
        str(error) == error.text("en") == messages.text("errors.no_such_run", "en", path="runs/x")
    )
    messages.use("zh")
    assert str(error) == error.text("zh") != error.text("en")


def test_bad_data_is_also_a_value_error():
    with pytest.raises(ValueError, match="runs/x"):
        raise errors.InputError("errors.no_such_run", path="runs/x")


def problem(**place):
    return errors.Problem(message_id="errors.no_such_run", values={"path": "p"}, **place)


@pytest.mark.parametrize(
    ("place", "start"),
    [
        ({"file": "plan.yaml", "line": 7, "key": "target.url"}, "plan.yaml:7: target.url: "),
        ({"file": "plan.yaml", "key": "target"}, "plan.yaml: target: "),
        ({"file": "plan.yaml", "line": 7}, "plan.yaml:7: "),
        ({"key": "target"}, "target: "),
        ({}, ""),
    ],
)
def test_a_problem_says_where_it_stands(place, start):
    sentence = messages.text("errors.no_such_run", "zh", path="p")
    assert problem(**place).text("zh") == start + sentence


def test_a_plan_tells_every_mistake_in_the_order_of_the_file():
    problems = [problem(file="plan.yaml", line=n) for n in (3, 5, 40)]
    error = errors.PlanError(problems)
    assert error.problems == tuple(problems)
    lines = error.text("en").split("\n")
    assert [line.split(": ")[0] for line in lines] == ["plan.yaml:3", "plan.yaml:5", "plan.yaml:40"]


@pytest.mark.parametrize(
    "error",
    [
        errors.EvidenceError("errors.no_such_run", path="runs/x"),
        errors.PlanError([problem(line=2, file="p")]),
    ],
    ids=["one", "plan"],
)
def test_an_error_comes_back_from_another_process(error):
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 – our own bytes, as a process pool makes them
    assert type(again) is type(error)
    assert again.text("zh") == error.text("zh")
    assert getattr(again, "problems", ()) == getattr(error, "problems", ())
