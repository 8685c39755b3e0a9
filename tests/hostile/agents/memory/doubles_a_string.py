# Tries: to double a string until memory ends. Must come out: out_of_memory.


def agent(observation):
    text = b"x" * 1024
    while True:
        text += text
