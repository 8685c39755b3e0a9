# Tries: exceptions within exceptions, in circles. Must come out: exception.


def agent(observation):
    inner = ValueError("inner")
    for _ in range(2000):
        inner = ExceptionGroup("deeper", [inner, ValueError("x" * 100)])
    inner.__cause__ = inner.__context__ = inner
    inner.__notes__ = ["note" * 1000] * 1000
    raise inner
