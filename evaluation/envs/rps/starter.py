"""A first agent for rock, paper, scissors: it learns what the opponent tends to play next.

Upload it as it is, then make it better: the comments say where to begin.
"""

import random

# What the opponent played after each pair of signs (ours, theirs): {(ours, theirs): [count, …]}.
followed = {}
last_pair = None
last_sign = None


def agent(obs, config):
    global last_pair, last_sign
    if obs.step == 0:
        # A new game: forget the last opponent.
        followed.clear()
        last_pair = None
    else:
        # 1. Learn: this is what followed the pair of the round before.
        theirs = obs.lastOpponentAction
        if last_pair is not None:
            followed.setdefault(last_pair, [0] * config.signs)[theirs] += 1
        last_pair = (last_sign, theirs)

    # 2. Foresee, and play what beats it: each sign loses to the next one.
    #    Next: look at longer histories too, and trust whichever has foreseen most of late.
    counts = followed.get(last_pair)
    if counts is None:
        last_sign = random.randrange(config.signs)
    else:
        last_sign = (counts.index(max(counts)) + 1) % config.signs

    # 3. A better opponent learns you as well. Next: play at random now and then, and more often
    #    while you are ahead.
    return last_sign
