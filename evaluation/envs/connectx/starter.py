"""A first agent for ConnectX: it wins when it can, blocks when it must, else plays the centre.

Upload it as it is, then make it better: the comments say where to begin.
"""

import random


def drop(board, column, mark, config):
    """The board after `mark` falls into `column`; the board is a list of rows, top row first."""
    board = board[:]
    for row in range(config.rows - 1, -1, -1):
        cell = row * config.columns + column
        if board[cell] == 0:
            board[cell] = mark
            break
    return board


def has_won(board, mark, config):
    """Looks from every cell right, down and along both diagonals."""
    for row in range(config.rows):
        for column in range(config.columns):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                places = [(row + down * i, column + right * i) for i in range(config.inarow)]
                if all(
                    0 <= r < config.rows
                    and 0 <= c < config.columns
                    and board[r * config.columns + c] == mark
                    for r, c in places
                ):
                    return True
    return False


def agent(obs, config):
    me, opponent = obs.mark, 3 - obs.mark
    # The first `columns` cells are the top row: a column is open while its top cell is empty.
    columns = [column for column in range(config.columns) if obs.board[column] == 0]

    # 1. Win at once, or stop the opponent from winning at once.
    for mark in (me, opponent):
        for column in columns:
            if has_won(drop(obs.board, column, mark, config), mark, config):
                return column

    # 2. Do not build the step that the opponent needs. Next: look further ahead than this.
    def is_safe(column):
        board = drop(obs.board, column, me, config)
        replies = [reply for reply in columns if board[reply] == 0]
        return not any(
            has_won(drop(board, reply, opponent, config), opponent, config) for reply in replies
        )

    good = [column for column in columns if is_safe(column)] or columns

    # 3. The centre takes part in most lines. Next: count the open lines of each move instead.
    middle = (config.columns - 1) / 2
    nearest = min(abs(column - middle) for column in good)
    return random.choice([column for column in good if abs(column - middle) == nearest])
