# Needs: to print ten thousand lines. Must come out: plays, action 10000.


def agent(observation):
    for number in range(10_000):
        print("considering move", number)
    return number + 1
