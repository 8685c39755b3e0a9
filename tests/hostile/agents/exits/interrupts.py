# Tries: to look like an interrupt from the keyboard. Must come out: exception.


def agent(observation):
    raise KeyboardInterrupt
