"""Small SVG drawings. Written here and not in templates: a leaderboard has two hundred of them.

All that goes into their markup is a number that we have formatted.
"""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from league import charts
from league.models import Rating
from league.templatetags.league import elo

register = template.Library()


@register.simple_tag
def interval(rating: Rating, scale: charts.Scale) -> SafeString:
    """The rating with its interval as a bar on the page's common scale."""
    low, high = scale.at(rating.elo_low), scale.at(rating.elo_high)
    width = max(high - low, 2)
    anchor = f'<path class="anchor" d="M{scale.at(1000):g} 0V14"/>' if _has_anchor(scale) else ""
    return mark_safe(
        f'<svg class="interval" viewBox="0 0 {scale.size:g} 14" role="img" '
        f'aria-label="between {elo(rating.elo_low)} and {elo(rating.elo_high)}">{anchor}'
        f'<rect class="reach" x="{low:g}" y="4" width="{width:.4g}" height="6" rx="3"/>'
        f'<circle class="middle" cx="{scale.at(rating.elo):g}" cy="7" r="3.5"/></svg>'
    )


def _has_anchor(scale: charts.Scale) -> bool:
    return scale.low < 1000 < scale.high


@register.simple_tag
def scale_head(scale: charts.Scale) -> SafeString:
    """The ends of the common scale, and 1000 where it is not too near to one of them."""
    anchor = scale.at(1000)
    labels = [(0.0, scale.low, "start"), (scale.size, scale.high, "end")]
    if 0.25 * scale.size < anchor < 0.75 * scale.size:
        labels.append((anchor, 1000, "middle"))
    texts = "".join(
        f'<text x="{x:g}" y="11" text-anchor="{side}">{elo(value)}</text>'
        for x, value, side in labels
    )
    return mark_safe(
        f'<svg class="scale" viewBox="0 0 {scale.size:g} 14" aria-hidden="true">{texts}</svg>'
    )


@register.simple_tag
def record(rating: Rating) -> SafeString:
    """Wins, draws and losses as numbers over one thin stacked bar."""
    tally = (("won", rating.wins), ("drawn", rating.draws), ("lost", rating.losses))
    scale = charts.Scale(0, max(sum(count for _, count in tally), 1), 80)
    numbers, parts, x = "", "", 0.0
    for name, count in tally:
        numbers += f'<span class="{name}" title="{name}">{count} {name[0].upper()}</span>'
        width = scale.at(count)
        parts += f'<rect class="{name}-part" x="{x:.4g}" width="{width:g}" height="4"/>'
        x += width
    return mark_safe(
        f'<span class="record"><span class="record-numbers">{numbers}</span>'
        f'<svg viewBox="0 0 80 4" preserveAspectRatio="none" aria-hidden="true">{parts}</svg>'
        "</span>"
    )


@register.simple_tag
def sparkline(values: Sequence[float]) -> SafeString:
    line = charts.spark_line(values)
    if not line:
        return SafeString()
    x, _, y = line.rpartition(" ")[2].partition(",")
    return mark_safe(
        f'<svg class="spark" viewBox="0 0 72 18" role="img" aria-label="from {elo(values[0])} '
        f'to {elo(values[-1])}"><polyline points="{line}"/><circle cx="{x}" cy="{y}" r="2"/></svg>'
    )


@register.simple_tag
def compare(scored: float, expected: float) -> SafeString:
    """What was scored as a bar, what was to be expected as a mark on it."""
    return mark_safe(
        '<svg class="compare" viewBox="0 0 100 10" aria-hidden="true">'
        '<rect class="track" width="100" height="4" y="3" rx="2"/>'
        f'<rect class="part" width="{100 * scored:.4g}" height="4" y="3" rx="2"/>'
        f'<path class="expected" d="M{100 * expected:.4g} 0v10"/></svg>'
    )


@register.simple_tag
def move_bar(move: dict[str, Any], scale: charts.Scale, limit_s: float) -> SafeString:
    """What a move took: charged within its limit, charged beyond it, and not charged."""
    limit, charged = scale.at(limit_s), max(scale.at(move["seconds"]), 1)
    wall = max(scale.at(move["wall"] or 0), charged)
    pieces = (("own", 0, min(charged, limit)), ("over", limit, charged), ("free", charged, wall))
    parts = "".join(
        f'<rect class="{name}-part" x="{start:g}" width="{end - start:.4g}" y="2" height="6"/>'
        for name, start, end in pieces
        if end > start
    )
    return mark_safe(
        f'<svg class="move" viewBox="0 0 {scale.size:g} 10" aria-hidden="true">{parts}'
        f'<path class="limit" d="M{limit:g} 0v10"/></svg>'
    )


@register.simple_tag
def bar(count: int, most: int) -> SafeString:
    return mark_safe(
        '<svg class="bar-mark" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{100 * count / max(most, 1):.4g}" height="10"/></svg>'
    )


@register.simple_tag
def hours(counts: Sequence[int], most: int) -> SafeString:
    """A bar an hour, the present one last and hollow, for it is not over; `most` fills the height.

    The numbers stand beside it, so that nothing is lost on who cannot see it.
    """
    last = len(counts) - 1
    bars = "".join(
        f'<rect{" class=now" if place == last else ""} x="{5 * place}" y="{20 - height:g}" '
        f'width="4" height="{height:g}"/>'
        for place, height in charts.hour_bars(counts, most)
    )
    return mark_safe(
        f'<svg class="hours" viewBox="0 0 {5 * len(counts) - 1} 20" aria-hidden="true">'
        f'<path d="M0 20h{5 * len(counts) - 1}"/>{bars}</svg>'
    )
