# Tries: a list that grows while it is written. Must come out: out_of_memory or move_timeout.
answer = []


class Item:
    def tolist(self):
        answer.extend([self] * 10_000)
        return 0


def agent(observation):
    answer.append(Item())
    return answer
