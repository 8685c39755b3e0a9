# Tries: to read its opponent where the league keeps it. Must come out: plays, action 0.
import os


def places(observation):
    name = os.path.basename(observation.opponent)
    yield observation.opponent
    yield os.path.dirname(observation.opponent)
    for above in (
        "/agents",
        "/kaggle_simulations",
        "/bundles",
        "/submissions",
        "/box",
        "/uploads",
        "..",
    ):
        yield from (above, f"{above}/{name}", f"{above}/{name[:2]}/{name}")
    for number in range(4):
        yield from (f"/agents/{number}", f"/kaggle_simulations/agent{number}", f"/agent{number}")


def agent(observation):
    found = 0
    for place in places(observation):
        for path in (f"{place}/main.py", f"{place}/weights.txt", f"{place}"):
            try:
                with open(path) as file:
                    print(file.read())
                    found += 1
            except OSError:
                continue
    return found
