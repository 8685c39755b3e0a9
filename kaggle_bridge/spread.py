"""Which steps of a run stand for all of it: a few, at even distances, the last among them."""

from collections.abc import Iterable


def thresholds(total_steps: int, save_interval: int, most: int = 10) -> tuple[int, ...]:
    """Multiples of the save interval, as evenly as they can be, at most `most`, then total_steps.

    A trainer saves where it passes such a multiple, and at its end.
    """
    saves = -(-total_steps // save_interval) if save_interval else 1
    count = min(most, saves)
    numbers = (round(saves * place / count) for place in range(1, count + 1))
    return tuple(min(number * save_interval or total_steps, total_steps) for number in numbers)


def thin(steps: Iterable[int], most: int) -> set[int]:
    """Those that stay: of the others each had the nearest neighbours. The last always stays."""
    left = sorted(set(steps))
    while len(left) > max(most, 1):
        around = [0, *left]
        gaps = [(left[place + 1] - around[place], place) for place in range(len(left) - 1)]
        del left[min(gaps)[1]]
    return set(left)
