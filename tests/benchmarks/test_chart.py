"""Charts are sound SVG whose points, ticks and labels lie where a reader looks for them."""

import itertools
import xml.etree.ElementTree as ET

import pytest

from benchmarks.chart import HEIGHT, LABEL_HEIGHT, LEFT, RIGHT, WIDTH, Axis, Line, line_chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(*lines, title="a title"):
    return ET.fromstring(line_chart(title, "seconds", lines, bottom=0, top=1))


def points_of(svg):
    return [
        [tuple(map(float, point.split(","))) for point in line.get("points").split()]
        for line in svg.iter(f"{SVG}polyline")
    ]


def labels_of(svg):
    return [text for text in svg.iter(f"{SVG}text") if float(text.get("x")) > WIDTH - RIGHT]


def test_lines_span_the_drawing_from_zero_to_the_last_point():
    (points,) = points_of(drawn(Line([(0, 0), (50, 0.5), (100, 1)], "#000")))
    (x0, y0), (x1, y1), (x2, y2) = points
    assert (x0, x2) == (LEFT, WIDTH - RIGHT)
    assert (x1, y1) == ((x0 + x2) / 2, (y0 + y2) / 2)
    assert 0 < y2 < y0 < HEIGHT


def test_labels_of_lines_that_end_together_do_not_cover_each_other():
    svg = drawn(
        *(Line([(0, 0), (9, 0.5 + place / 1000)], "#000", str(place)) for place in range(4))
    )
    heights = sorted(float(text.get("y")) for text in labels_of(svg))
    assert all(b - a >= LABEL_HEIGHT for a, b in itertools.pairwise(heights))
    assert len(heights) == 4


def test_words_are_escaped():
    svg = drawn(Line([(0, 0), (1, 1)], "#000", "a < b & c"), title='"<tag>"')
    assert labels_of(svg)[0].text == "a < b & c"
    assert svg.get("aria-label") == '"<tag>"'


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.3, 1.0, [0.4, 0.6, 0.8, 1.0]),
        (0, 400, [0, 100, 200, 300, 400]),
        (0, 0.05, [0, 0.01, 0.02, 0.03, 0.04, 0.05]),
    ],
)
def test_ticks_stand_at_round_numbers(low, high, ticks):
    assert Axis(low, high, 0, 1).ticks == pytest.approx(ticks)
