# Tries: to read a file of the worker by every road there is. Must come out: plays, action 0.
ROOTS = (
    "",
    "/proc/1/root",
    "/proc/self/root",
    "/proc/thread-self/root",
    "/proc/self/cwd/../../..",
    "/oldroot",
    "/newroot",
    "/.old",
    "../../../../../../..",
    "/kaggle_simulations/agent/../../../..",
    "/tmp/../../..",
)


def agent(observation):
    found = 0
    for root in (*ROOTS, f"/proc/{observation.worker}/root", f"/proc/{observation.worker}/cwd"):
        try:
            with open(root + observation.canary) as file:
                print(file.read())
                found += 1
        except OSError:
            continue
    return found
