"""Words that the processes of a chaos test share."""

SLUG = "tictactoe"
PEOPLE = ("alice", "bob", "dave")
SUBMIT_PATH = f"/api/v1/competitions/{SLUG}/submissions"
INSTANT = """
def agent(observation, configuration):
    return [cell for cell in range(9) if observation.board[cell] == 0][{place}]
"""
