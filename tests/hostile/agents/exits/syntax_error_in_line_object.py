# Tries: a syntax error in a line that is no number. Must come out: syntax_error.


def agent(observation):
    error = SyntaxError("broken")
    error.lineno = error.offset = object()
    error.filename = error.text = [error]
    raise error
