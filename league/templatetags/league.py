"""How pages write numbers, times, states and small drawings. Text in, escaped text out."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django import template
from django.forms import BoundField
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from league import limits, live, ties, words
from league.matchups import Matchup
from league.models import (
    Clock,
    Episode,
    EpisodeSeat,
    Ladder,
    Match,
    Rating,
    RatingPoint,
    Submission,
)
from league.models.verdict import Judged
from league.settling import Outlook

register = template.Library()

HOUSE_BOT = mark_safe('<span class="tag">house bot</span>')
QUICK = mark_safe(
    '<span title="A quick step after the newest match; the joint fit follows within seconds.">'
    "≈</span>"
)


def _time(moment: datetime, text: str, form: str = "relative") -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}" data-form="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        moment.strftime("%Y-%m-%d %H:%M:%S UTC"),
        form,
        text,
    )


@register.simple_tag
def when(moment: datetime | None) -> SafeString | str:
    """Relative to now, with the exact time on hover: "3 min ago", "in 2 days"."""
    if moment is None:
        return "–"
    span = moment - timezone.now()
    if abs(span) < timedelta(seconds=1):
        return _time(moment, "now")
    words_ = words.span_words(span)
    return _time(moment, f"in {words_}" if span > timedelta(0) else f"{words_} ago")


@register.simple_tag
def countdown(moment: datetime) -> SafeString:
    """Until something happens, in two units: "in 2 days 4 h". Scripts let it run."""
    left = moment - timezone.now()
    text = f"in {words.precise_span(left)}" if left > timedelta(0) else "now"
    return _time(moment, text, form="countdown")


@register.simple_tag
def since(moment: datetime | None) -> SafeString | str:
    """How long something has lasted: "3 min"."""
    if moment is None:
        return "–"
    return _time(moment, words.span_words(timezone.now() - moment), form="span")


@register.filter
def elo(value: float | None) -> str:
    return "–" if value is None else f"{round(value)}".replace("-", "−")


@register.filter
def whole(value: float) -> str:
    """A whole number for scripts, with the sign that they read."""
    return str(round(value))


@register.filter
def signed(value: float | None) -> str:
    """A change of rating, with its sign; a true minus."""
    if value is None:
        return ""
    whole = round(value)
    return "±0" if whole == 0 else f"+{whole}" if whole > 0 else f"−{-whole}"


@register.filter
def seconds(value: object) -> str:
    if not isinstance(value, float | int):
        return "–"
    return f"{value:.0f} s" if value >= 100 else f"{value:.2f} s" if value >= 0.01 else "<0.01 s"


@register.filter
def fine_seconds(value: float | None) -> str:
    """Milliseconds where they matter: "0.4 ms", "31 ms", "1.20 s"."""
    if value is None:
        return "–"
    if value >= 1:
        return seconds(value)
    return f"{1000 * value:.0f} ms" if value >= 0.01 else f"{1000 * value:.1f} ms"


@register.filter
def percent(value: float) -> str:
    return f"{100 * value:.0f} %" if value >= 0.095 or value == 0 else f"{100 * value:.1f} %"


def points(value: float) -> str:
    """Points as chess writes them: 2, 1½, 1, ½, 0."""
    whole, half = divmod(round(2 * value), 2)
    return f"{whole or ''}½" if half else str(whole)


@register.simple_tag
def match_score(match: Match) -> str:
    """Points over all episodes, in the order of the seats."""
    seats = list(match.seats.all())
    if any(seat.score is None for seat in seats):
        return "–"
    episodes = len(match.episodes.all())
    return "–".join(points((seat.score or 0) * episodes) for seat in seats)


@register.filter
def reach(rating: Rating | RatingPoint) -> str:
    """Half the width of the interval; 95 % of the time the truth is inside."""
    return reach_of(rating.se)


@register.filter
def reach_of(se: float) -> str:
    return f"{1.96 * se:.0f}"


@register.filter
def ordered(episodes: Iterable[Episode]) -> list[Episode]:
    """In the order of play, without another query."""
    return sorted(episodes, key=lambda episode: episode.number)


@register.filter
def ranks(rating: Rating) -> str:
    """The ranks that are still possible, as a range."""
    if rating.rank_low is None or rating.rank_high is None:
        return "–"
    low, high = sorted((rating.rank_low, rating.rank_high))
    return str(low) if low == high else f"{low}–{high}"


@register.simple_tag
def level(found: list[ties.Run], rating: Rating) -> SafeString | str:
    """The ranks that an entrant cannot be told apart from; a sentence on hover."""
    if not found:
        return "–"
    if found == [(rating.rank, rating.rank)]:
        return mark_safe('<span title="Told apart from everybody else">nobody</span>')
    count = sum(high - low + 1 for low, high in found) - 1
    return format_html(
        '<span title="Cannot be told apart from {} other{}">{}</span>',
        count, "" if count == 1 else "s", ties.run_words(found),
    )  # fmt: skip


@register.simple_tag
def level_data(found: list[ties.Run]) -> str:
    """The same for the script of the page: "2-4,7-7"."""
    return ",".join(f"{low}-{high}" for low, high in found)


@register.simple_tag
def change(value: float | None) -> SafeString:
    """How far a rating has moved; the sign says what the colour does."""
    if value is None:
        return mark_safe('<span class="muted">–</span>')
    whole = round(value)
    mark = "won" if whole > 0 else "lost" if whole < 0 else "muted"
    return format_html('<span class="{}">{}</span>', mark, signed(value))


@register.simple_tag
def surprise(row: Matchup) -> SafeString:
    """Scored less expected in points of a hundred; marked where chance does not explain it."""
    text = signed(100 * row.difference)
    if not row.is_beyond_chance:
        return format_html('<span class="muted">{}</span>', text)
    return format_html('<span title="{}"><b>{}</b> ◆</span>', words.BEYOND_CHANCE, text)


@register.simple_tag
def duration(minutes: int) -> str:
    return words.span_words(timedelta(minutes=minutes))


@register.simple_tag
def how_estimated(outlook: Outlook) -> str:
    return words.how_estimated(outlook)


@register.simple_tag
def seat_advantage(ladder: Ladder) -> str:
    return words.seat_advantage(ladder.seat_advantage, ladder.seat_advantage_se)


@register.filter
def state_word(obj: Submission | Match) -> str:
    if isinstance(obj, Submission):
        return str(obj.status).lower()
    return words.MATCH_STATE_WORDS[Match.State(obj.state)]


@register.simple_tag
def state(obj: Submission | Match) -> SafeString:
    """A state as a coloured mark with its word; the sentence behind it on hover."""
    if isinstance(obj, Submission):
        name, sentence = obj.status, words.SUBMISSION_STATES[Submission.Status(obj.status)]
    else:
        name, sentence = obj.state, words.MATCH_STATES[Match.State(obj.state)]
    return format_html(
        '<span class="state state-{}" title="{}">{}</span>', name.lower(), sentence, state_word(obj)
    )


@register.simple_tag
def purpose(match: Match) -> SafeString:
    kind = Match.Purpose(match.purpose)
    return format_html(
        '<span class="purpose" title="{}">{}</span>',
        words.PURPOSES[kind],
        words.PURPOSE_WORDS[kind],
    )


@register.simple_tag
def seat_status(status: str) -> SafeString:
    sentence = words.SEAT_STATUSES.get(status, "")
    return format_html('<span title="{}">{}</span>', sentence, status.lower())


@register.filter
def verdict_word(code: str) -> str:
    return words.verdict_word(code)


@register.filter
def verdict_means(judged: Judged) -> str:
    return words.verdict_sentence(judged.verdict, judged.verdict_reason)


@register.filter
def verdict_anchor(judged: Judged) -> str:
    """Where the help page explains it."""
    return "_".join(filter(None, (judged.verdict, judged.verdict_reason)))


@register.filter
def clock_word(clock: str) -> str:
    return Clock(clock).label if clock in Clock.values else clock


@register.filter
def clock_means(clock: str) -> str:
    return words.CLOCKS[Clock(clock)] if clock in Clock.values else ""


@register.filter
def pondering_means(is_allowed: bool) -> str:
    return words.PONDERING[is_allowed]


@register.filter
def packages_title(name: str) -> str:
    return limits.packages_title(name)


@register.simple_tag
def overload(seats: Iterable[EpisodeSeat]) -> str:
    """That the machine did too much at once, and how long each seat waited for it."""
    waits = [
        f"seat {seat.number + 1} waited {seconds(seat.delay_s)} for a processor"
        for seat in seats
        if seat.delay_s is not None
    ]
    return f"{words.OVERLOADED} {', '.join(waits).capitalize()}{'.' if waits else ''}".strip()


@register.filter
def box_detail(name: str) -> str:
    return words.BOX_DETAILS.get(name, name.replace("_", " "))


@register.simple_tag
def rating(row: Rating) -> SafeString:
    """The number with its interval; a quick step between two fits is marked."""
    return format_html(
        '<span class="rating">{}<b>{}</b> <span class="reach" title="95 % interval: {} to {}">'
        "±{}</span></span>",
        QUICK if row.is_quick else "",
        elo(row.elo),
        elo(row.elo_low),
        elo(row.elo_high),
        reach(row),
    )


@register.simple_tag
def who(submission: Submission, link: bool = True) -> SafeString:
    """Team and submission in the words that every page uses; needs the team selected."""
    is_house = submission.kind == Submission.Kind.HOUSE
    name = submission.builtin if is_house else submission.team.name
    address = submission.get_absolute_url()
    return format_html(
        '<span class="who{}">{} {}</span>',
        " is-house" if is_house else "",
        format_html('<a href="{}">{}</a>' if link else "<b>{1}</b>", address, name),
        HOUSE_BOT if is_house else format_html('<span class="label">#{}</span>', submission.pk),
    )


@register.filter
def who_text(submission: Submission) -> str:
    if submission.kind == Submission.Kind.HOUSE:
        return submission.builtin
    return f"{submission.team.name} {submission.label}"


@register.simple_tag
def weak_box() -> dict[str, str] | None:
    """The level that was named for strangers' agents, if it is a weaker one than A."""
    level = live.minimum()
    return None if level == "A" else {"level": level, "means": words.LEVELS[level]}


@register.filter
def queue_word(name: str) -> str:
    return words.QUEUES.get(name, name)


@register.filter
def alert_advice(code: str) -> str:
    """What to do about it; empty for an alert that this release does not know."""
    return words.ALERTS.get(code, "")


@register.filter
def inline_code(text: str) -> SafeString:
    """What stands between backticks is set as code."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return format_html("{}", text)
    pieces = (format_html("<code>{}</code>" if i % 2 else "{}", p) for i, p in enumerate(parts))
    return format_html_join("", "{}", ((piece,) for piece in pieces))


@register.filter
def control(field: BoundField) -> SafeString:
    """A form control that names its help and its errors to screen readers."""
    described = [f"{field.auto_id}_{part}" for part in _descriptions(field)]
    attrs: dict[str, str | bool] = {"aria-describedby": " ".join(described)} if described else {}
    if field.errors:
        attrs["aria-invalid"] = "true"
    return field.as_widget(attrs=attrs)


def _descriptions(field: BoundField) -> list[str]:
    return [name for name, text in (("help", field.help_text), ("error", field.errors)) if text]
