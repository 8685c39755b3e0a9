"""Exact play near the end: alpha-beta over won, drawn and lost, with a transposition table."""

from time import perf_counter

from training.agent_template.boards import Board, Sets

LOST, DRAWN, WON = -1, 0, 1
LOOK_EVERY = 64  # positions between two looks at the clock
MAX_ENTRIES = 100_000


class OutOfTime(Exception):
    """The limit came before the result."""


class Endgame:
    """Remembers what it has proven, for the moves that follow."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.bounds: dict[tuple[int, int], tuple[int, int]] = {}
        self.visited = 0
        self.last = self.deadline = 0.0

    def limit(self, positions: float, deadline: float) -> None:
        """Of what follows: how many positions may be looked at, and until when."""
        self.last, self.deadline = self.visited + positions, deadline
        if len(self.bounds) > MAX_ENTRIES:
            self.bounds.clear()

    def solve(self, sets: Sets) -> int:
        """LOST, DRAWN or WON for the mover, who must not be able to win at once.

        Raises OutOfTime at the limit; what was found until then is kept.
        """
        return self._value(*sets, LOST, WON)

    def _value(self, mine: int, theirs: int, wins: int, threats: int, alpha: int, beta: int) -> int:
        """As much of the value as lies between alpha and beta."""
        board = self.board
        filled = mine | theirs
        moves = board.playable(filled)
        if not moves:
            return DRAWN
        forced = threats & moves
        moves = (forced or moves) & ~(threats >> board.drop)
        if not moves or forced & (forced - 1):
            return LOST
        if board.size - filled.bit_count() <= 2:
            return DRAWN
        key = mine, theirs
        low, high = self.bounds.get(key, (LOST, WON))
        alpha, beta = max(alpha, low), min(beta, high)
        if alpha >= beta:
            return alpha
        self._count()
        best = LOST
        for _, _, bit, own in self._ordered(mine, filled, moves):
            value = -self._value(
                theirs, mine | bit, threats & ~bit, own & ~bit, -beta, -max(alpha, best)
            )
            if value > best:
                best = value
                if best >= beta:
                    break
        self.bounds[key] = best if best > alpha else low, best if best < beta else high
        return best

    def _ordered(self, mine: int, filled: int, moves: int) -> list[tuple[int, int, int, int]]:
        """The cells to play, those first that make most threats; the threats after each."""
        completing, empty = self.board.completing, self.board.cells & ~filled
        cells = [bit for _, mask in self.board.choices if (bit := moves & mask)]
        found = []
        for rank, bit in enumerate(cells):
            own = completing(mine | bit) & empty
            found.append((-own.bit_count(), rank, bit, own))
        found.sort()
        return found

    def _count(self) -> None:
        self.visited += 1
        if self.visited >= self.last:
            raise OutOfTime
        if self.visited % LOOK_EVERY == 0 and perf_counter() >= self.deadline:
            raise OutOfTime
