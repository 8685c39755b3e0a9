"""What docs/kaggle.md says that pages and terminals say, they say."""

import ast
import re
from pathlib import Path

import pytest

from kaggle_bridge import words
from kaggle_bridge.management.commands import kaggle as command
from kaggle_bridge.models import RunState, SessionState

PROJECT = Path(__file__).parents[2]
GUIDE = (PROJECT / "docs" / "kaggle.md").read_text(encoding="utf-8")
SHORTEST = 4  # a piece of a quotation that says anything


def said() -> str:
    """Every text in the code and the templates, one a line, blanks as one blank."""
    texts = []
    for package in ("kaggle_bridge", "training"):
        for path in (PROJECT / package).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            texts += [str(n.value) for n in nodes if isinstance(n, ast.Constant)]
        for path in (PROJECT / package).rglob("*.html"):
            texts.append(re.sub(r"<[^>]*>|{%.*?%}", " ", path.read_text(encoding="utf-8")))
    return "\n".join(" ".join(text.split()) for text in texts)


def test_every_quotation_is_said_somewhere():
    corpus = said()
    quotations = re.findall(r"“([^”]+)”", GUIDE)
    pieces = [piece.strip() for quotation in quotations for piece in quotation.split("…")]
    missing = [piece for piece in pieces if len(piece) >= SHORTEST and piece not in corpus]
    assert len(quotations) > 40
    assert missing == []


@pytest.mark.parametrize(
    ("heading", "sentences", "states"),
    [("run", words.RUN_STATES, RunState), ("session", words.SESSION_STATES, SessionState)],
)
def test_states_are_explained_in_the_words_of_the_pages(heading, sentences, states):
    table = re.search(rf"^\| {heading} \| \|\n\|---\|---\|\n((?:\|.*\n)+)", GUIDE, re.MULTILINE)[1]
    explained = re.findall(r"^\| ([^|]+) \| “([^”]+)” \|$", table, re.MULTILINE)
    assert explained == [(state.label, sentences[state]) for state in states]


def test_commands_of_the_guide_have_these_options():
    for line in re.findall(r"manage\.py kaggle (.+)", GUIDE):
        verb, *rest = re.split(r"[`#&]", line)[0].split()
        known = ast.unparse(ast.parse(Path(command.__file__).read_text(encoding="utf-8")))
        options = [word for word in rest if word.startswith("--")]
        assert verb in command.COMMANDS
        assert [option for option in options if f"'{option}'" not in known] == []


def test_settings_of_the_guide_are_settings():
    settings = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(TRAINING_[A-Z_]+)`", GUIDE))
    assert len(named) >= 5
    assert {name for name in named if f"`{name}`" not in settings} == set()


def test_files_of_the_guide_exist():
    named = re.findall(r"`((?:kaggle_bridge|training)/[\w/]+\.py)`", GUIDE)
    assert named
    assert [name for name in named if not (PROJECT / name).is_file()] == []
