# Tries: to find other agents beside its own folder. Must come out: plays, action 0.
import os


def is_agent(path, own):
    return path != own and os.path.exists(os.path.join(path, "main.py"))


def agent(observation):
    own = os.getcwd()
    others = []
    for folder in (os.path.dirname(own), own, "/agents", "/bundles", "/box", "/tmp", "/"):
        try:
            inside = [os.path.join(folder, name) for name in os.listdir(folder)]
        except OSError:
            continue
        others += [path for path in inside if is_agent(path, own)]
    print(others)
    return len(others)
