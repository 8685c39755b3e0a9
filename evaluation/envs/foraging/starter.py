"""A first colony for foraging: every member goes to the nearest food it sees, and home with it.

Upload it as it is, then make it better: the comments say where to begin.
"""

import random

STAY, UP, DOWN, LEFT, RIGHT = range(5)

# Where things begin in the list of numbers that each member sees.
POSITION = 0  # row and column from the middle of the nest, -1 to 1 across the home range
CARRYING = 3  # 1 where the member carries food
FOOD = -15  # five items, nearest first: rows down / grid_size, columns right / grid_size, 1


def towards(down, right):
    """The step that goes along the longer way."""
    if abs(down) >= abs(right):
        return DOWN if down > 0 else UP if down < 0 else STAY
    return RIGHT if right > 0 else LEFT


def way_home(seen, config):
    """How many rows and columns it is to the middle of the nest."""
    size = config.grid_size
    row, column = (round((part + 1) / 2 * (size - 1)) - size // 2 for part in seen[POSITION:2])
    return -row, -column


def choose(seen, config):
    """What one member does, by what it alone sees."""
    # 1. Carry food home. It is delivered as soon as the member is inside the nest, so the middle is
    #    further than needed. Next: stop at the edge of the nest, and turn round sooner.
    if seen[CARRYING]:
        return towards(*way_home(seen, config))

    # 2. Go to the nearest item; a member picks it up from a cell next to it. Next: members that see
    #    the same item all run to it. You see them all: send one, and the others elsewhere.
    down, right, is_there = seen[FOOD : FOOD + 3]
    if is_there:
        return towards(down, right)

    # 3. Nothing to be seen. Next: follow the trail that those who carry food leave behind (the
    #    first channel of the field, numbers 6, 10, 14, 18: north, south, east, west).
    return random.choice([UP, DOWN, LEFT, RIGHT])


def agent(obs, config):
    """One action for each member, in the order in which they are listed."""
    return [choose(seen, config) for seen in obs.members]
