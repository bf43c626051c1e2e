"""The commit of a record is that of the code, and of no repository that the code only lies in."""

import os
import subprocess

import pytest

from evenhand.audit.checkout import Standing, standing

NAMED = {
    f"GIT_{who}_{what}": "a@b.example"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def git(folder, *words):
    done = subprocess.run(
        ["git", *words],
        cwd=folder,
        env={**os.environ, **NAMED},
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def code(tmp_path):
    """A file of a repository with one commit."""
    standing.cache_clear()
    file = tmp_path / "code.py"
    file.write_text("one\n")
    try:
        git(tmp_path, "init", "-q")
    except FileNotFoundError:
        pytest.skip("no git here")
    git(tmp_path, "add", "code.py")
    git(tmp_path, "-c", "commit.gpgsign=false", "commit", "-qm", "one")
    return file


def test_a_clean_checkout_is_its_commit(code):
    head = git(code.parent, "rev-parse", "HEAD")
    assert len(head) == 40
    (code.parent / "notes.txt").write_text("untracked")
    git(code.parent, "tag", "v1")  # a tag is not a commit
    assert standing(code) == Standing(head, dirty=False)


def test_an_edited_file_makes_it_dirty(code):
    (code).write_text("two\n")
    assert standing(code) == Standing(git(code.parent, "rev-parse", "HEAD"), dirty=True)


def test_code_that_was_installed_into_a_repository_is_not_of_it(code):
    inside = code.parent / "site-packages" / "tool.py"
    inside.parent.mkdir()
    inside.write_text("x")
    assert standing(inside) == Standing()


def test_a_hook_of_another_repository_does_not_lead_astray(code, monkeypatch):
    monkeypatch.setenv("GIT_DIR", "/no/such")
    found = standing(code)
    monkeypatch.delenv("GIT_DIR")
    assert found.commit == git(code.parent, "rev-parse", "HEAD")


def test_without_git_there_is_no_commit(code, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert standing(code) == Standing()
