"""Thinks about one position: what can be proven first, then the tree, until the clock says stop."""

from contextlib import suppress
from dataclasses import dataclass
from time import perf_counter

from training.agent_template.boards import Board
from training.agent_template.endgame import LOST, WON, Endgame, OutOfTime
from training.agent_template.tree import DEAD, Evaluate, Node, Tree

PROOF_SHARE = 0.5  # of a move's time, for alpha-beta
PROOF_CELLS = 26  # empty cells from which on it is tried
UNKNOWN = -1e9


@dataclass(frozen=True)
class Limits:
    """simulations of the tree; positions of alpha-beta; a time, as perf_counter tells it."""

    simulations: float = float("inf")
    positions: float = float("inf")
    deadline: float = float("inf")


@dataclass(frozen=True)
class Plan:
    """value: what the mover expects, -1 to 1. outcome: what is proven: above 0 won, below lost.

    visits: by action, of the moves worth trying. simulations, positions: what it took.
    """

    action: int
    value: float
    outcome: int | None
    visits: dict[int, int]
    simulations: int
    positions: int


class Planner:
    """Remembers its tree and its proofs, which the next moves of a game go on from."""

    def __init__(self, board: Board, evaluate: Evaluate) -> None:
        self.board = board
        self.tree, self.endgame = Tree(board, evaluate), Endgame(board)

    def plan(self, mine: int, theirs: int, limits: Limits) -> Plan:
        """What to play with these stones."""
        root = self.tree.root(mine, theirs)
        before, done = self.endgame.visited, 0
        if root.solved is None and len(root.actions) > 1:
            self._prove(root, limits)
            done = self.tree.run(root, limits.simulations, limits.deadline)
        return Plan(
            action=self._choice(root),
            value=root.q,
            outcome=root.solved,
            visits=dict(zip(root.actions, root.visits, strict=True)) if root.actions else {},
            simulations=done,
            positions=self.endgame.visited - before,
        )

    def _prove(self, root: Node, limits: Limits) -> None:
        """Near the end, asks alpha-beta, and rules out the moves that are not the best.

        Of moves that all lose, the tree will find the one that is hardest to refute.
        """
        empty = self.board.cells & ~(root.mine | root.theirs)
        if empty.bit_count() > PROOF_CELLS:
            return
        now = perf_counter()
        self.endgame.limit(limits.positions, now + PROOF_SHARE * (limits.deadline - now))
        with suppress(OutOfTime):
            best = self.endgame.solve(root.sets)
            if best > LOST:
                self._rule_out(root, best)

    def _rule_out(self, root: Node, best: int) -> None:
        """The moves worth less than the best; where it wins, the first that does will do."""
        for index in range(len(root.bits)):
            child = self.tree.child(root, index)
            if child.solved is None:
                worth = -self.endgame.solve(child.sets)
                if worth == WON or worth < best:
                    child.prove(-worth)
            if child.solved:
                self.tree.settle(root, index, -child.solved)
            if root.solved is not None:
                return

    def _choice(self, root: Node) -> int:
        """The proven best, else what was tried most; the network's favourite where nothing was."""
        if not root.actions:
            return self._reflex(root)

        def rank(index: int) -> tuple[float, ...]:
            child = root.children[index]
            outcome = -child.solved if child and child.solved is not None else UNKNOWN
            first = root.means[index] > DEAD if root.solved is None else outcome
            return first, root.visits[index], root.means[index], root.priors[index]

        return root.actions[max(range(len(root.actions)), key=rank)]

    def _reflex(self, root: Node) -> int:
        """A move of a position that is decided at sight: win, block, hand nothing over."""
        moves = self.board.playable(root.mine | root.theirs)
        quiet = moves & ~(root.threats >> self.board.drop)
        urgent = next(filter(None, (root.wins & moves, root.threats & moves, quiet, moves)), 0)
        return next((action for action, mask in self.board.choices if urgent & mask), 0)
