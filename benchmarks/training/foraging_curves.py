"""What a foraging population delivers as it trains: what is stored, and its chart."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from benchmarks.chart import Line, line_chart
from benchmarks.training.curves import mean_of


class Arms(NamedTuple):
    """Food delivered per agent-life: by a population that learns all the time; by one that evolves
    after a short time of learning; by the shared weights of that alone; by one among whose
    mutations nothing chose; by random play."""

    learned: float
    evolved: float
    shared: float
    unselected: float
    random: float


LABELS = ("learned", "evolved", "shared weights", "no selection", "random")
COLOURS = ("#7e22ce", "#1d4ed8", "#c2410c", "#15803d", "#6b7280")


class Judged(NamedTuple):
    """A moment of a seed's runs: seconds of training, agent-steps."""

    seconds: float
    steps: int
    arms: Arms

    def plain(self) -> dict[str, Any]:
        return {
            "seconds": round(self.seconds, 1),
            "steps": self.steps,
            "delivered_per_life": {name: round(x, 4) for name, x in self.arms._asdict().items()},
        }


Curve = Sequence[Judged]  # of one seed


def chart(curves: Sequence[Curve], where: str) -> str:
    """All seeds thin, their means thick, random play dashed. where: of x."""
    lines: list[Line] = []
    for place, (label, colour) in enumerate(zip(LABELS, COLOURS, strict=True)):
        each = [[(judged.seconds, judged.arms[place]) for judged in curve] for curve in curves]
        mean = mean_of(each)
        is_yardstick = place == Arms._fields.index("random")
        lines += [Line(points, colour, faint=True) for points in each if not is_yardstick]
        lines.append(Line(mean, colour, f"{label} {mean[-1][1]:.2f}", dashed=is_yardstick))
    top = 1.05 * max(value for curve in curves for judged in curve for value in judged.arms)
    return line_chart("foraging: food delivered per agent-life", where, lines, 0, top)
