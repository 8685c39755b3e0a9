"""How pages write the numbers and states of training. `league` loads this by its name alone."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from kaggle_bridge import charts, words
from kaggle_bridge.models import Checkpoint, Enter, Session, TrainingRun
from kaggle_bridge.views.listing import Listing
from league.words import precise_span

register = template.Library()

SENTENCES: dict[type, Mapping[Any, str]] = {
    TrainingRun: words.RUN_STATES,
    Session: words.SESSION_STATES,
    Checkpoint: words.CHECKPOINT_STATES,
}


@register.filter
def steps(count: int) -> str:
    return words.steps(count)


@register.filter
def three_digits(value: float) -> str:
    return charts.number(value)


@register.simple_tag
def training_state(row: TrainingRun | Session | Checkpoint) -> SafeString:
    """A state as a coloured mark with its word; the sentence behind it on hover."""
    sentence = SENTENCES[type(row)][row.state]
    return format_html(
        '<span class="state state-{}" title="{}">{}</span>',
        _mark(row.state), sentence, row.get_state_display(),
    )  # fmt: skip


def _mark(state: str) -> str:
    return state.lower().replace("_", "-")


@register.simple_tag
def lasted(session: Session) -> str:
    """How long it has trained, or trains by now."""
    end = session.finished_at or session.ended
    return precise_span(end - session.started) if session.started and end else ""


@register.filter
def long_span(seconds: float) -> str:
    return precise_span(timedelta(seconds=seconds))


@register.filter
def enter_means(enter: str) -> str:
    return words.ENTER[Enter(enter)]


@register.simple_tag
def training_words() -> dict[str, Any]:
    """For the help page: terms, and the states of each kind as mark, word and sentence."""
    return {
        "terms": words.TERMS,
        "runs": _rows(words.RUN_STATES),
        "sessions": _rows(words.SESSION_STATES),
        "checkpoints": _rows(words.CHECKPOINT_STATES),
    }


def _rows(sentences: Mapping[Any, str]) -> list[tuple[str, str, str]]:
    return [(_mark(state), state.label, sentence) for state, sentence in sentences.items()]


@register.simple_tag
def training_listing() -> Listing:
    """For the home page: what is under way."""
    return Listing()
