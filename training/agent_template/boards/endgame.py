"""Exact play near the end: alpha-beta over won, drawn and lost, with a transposition table."""

from training.agent_template.boards.board import Board, Sets
from training.agent_template.boards.clock import Clock

LOST, DRAWN, WON = -1, 0, 1
# One object for each pair of low and high, so that the garbage collector has none to look at.
BOUNDS = {low: {high: (low, high) for high in (LOST, DRAWN, WON)} for low in (LOST, DRAWN, WON)}
UNKNOWN = BOUNDS[LOST][WON]
LOOK_EVERY = 64  # positions between two looks at the clock
MAX_ENTRIES = 150_000


class OutOfTime(Exception):
    """The limit came before the result."""


class Endgame:
    """Remembers what it has proven, for the moves that follow."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.bounds: dict[int, tuple[int, int]] = {}
        self.visited = 0
        self.limit(float("inf"), Clock())

    def limit(self, last: float, clock: Clock, kept: float = 0.0) -> None:
        """last: count of visited positions to stop at; kept: seconds to leave on the clock."""
        self.last, self.clock, self.kept = last, clock, kept
        self.pause = min(self.last, self.visited + LOOK_EVERY)
        if len(self.bounds) > MAX_ENTRIES:
            self.bounds.clear()

    def solve(self, sets: Sets) -> int:
        """LOST, DRAWN or WON for the mover, who must not be able to win at once.

        Raises OutOfTime at the limit; what was found until then is kept.
        """
        return next((worth for worth in (WON, DRAWN) if self.reaches(sets, worth)), LOST)

    def reaches(self, sets: Sets, worth: int) -> bool:
        """Whether the position is worth so much, WON or DRAWN; otherwise as `solve`."""
        mine, theirs, _, threats = sets
        return self._value(mine, theirs, threats, worth - 1, worth) >= worth

    def _value(self, mine: int, theirs: int, threats: int, alpha: int, beta: int) -> int:
        """As much of the value as lies between alpha and beta. threats: cells that theirs need."""
        filled = mine | theirs
        moves = self.board.playable(filled)
        forced = threats & moves
        if not moves:
            return DRAWN
        moves = (forced or moves) & ~(threats >> self.board.drop)
        if not moves or forced & (forced - 1):
            return LOST
        if filled.bit_count() >= self.board.size - 2:
            return DRAWN
        key = mine << self.board.length | theirs
        low, high = self.bounds.get(key, UNKNOWN)
        alpha, beta = max(alpha, low), min(beta, high)
        if alpha >= beta:
            return alpha
        self.visited += 1
        if self.visited >= self.pause:
            self._look_at_limits()
        best = self._best(mine, theirs, moves, alpha, beta)
        self.bounds[key] = BOUNDS[best if best > alpha else low][best if best < beta else high]
        return best

    def _best(self, mine: int, theirs: int, moves: int, alpha: int, beta: int) -> int:
        """The value of the best of these moves; those first that make most threats."""
        completing, playable, drop = self.board.completing, self.board.playable, self.board.drop
        filled = mine | theirs
        empty = self.board.cells & ~filled
        found = []
        for rank, (_, mask) in enumerate(self.board.choices):
            if bit := moves & mask:
                wins = completing(mine | bit) & empty
                if wins:
                    # Of two cells that win at once, or one upon the other, one cannot be stopped.
                    hits = wins & playable(filled | bit)
                    if hits & (hits - 1) or hits & (wins >> drop):
                        return WON
                found.append((-wins.bit_count(), rank, bit, wins))
        best = LOST
        for _, _, bit, wins in sorted(found):
            value = -self._value(theirs, mine | bit, wins, -beta, -alpha)
            if value > best:
                best, alpha = value, max(alpha, value)
                if best >= beta:
                    break
        return best

    def _look_at_limits(self) -> None:
        if self.visited >= self.last or self.clock.left() <= self.kept:
            raise OutOfTime
        self.pause = min(self.last, self.visited + LOOK_EVERY)
