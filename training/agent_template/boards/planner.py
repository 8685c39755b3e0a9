"""Thinks about one position: what can be proven first, then the tree, until the clock says stop."""

from contextlib import suppress
from dataclasses import dataclass, field

from training.agent_template.boards.board import Board
from training.agent_template.boards.clock import Clock
from training.agent_template.boards.endgame import DRAWN, LOST, WON, Endgame, OutOfTime
from training.agent_template.boards.tree import DEAD, Evaluate, Node, Tree

PROOF_CELLS = 32  # empty cells from which on proofs are tried
LEAF_CELLS = 24  # and on positions of the tree, with so few of them empty
LEAF_POSITIONS = 500  # that alpha-beta may look at for one of these
PROOF_SHARE = 0.2  # of a move's time, for those of the position itself
UNPROVEN = -1e9


@dataclass(frozen=True)
class Limits:
    """simulations: of the tree. positions: that alpha-beta may look at."""

    simulations: float = float("inf")
    positions: float = float("inf")
    clock: Clock = field(default_factory=Clock)


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
        self.tree, self.endgame = Tree(board, evaluate, self._prove_leaf), Endgame(board)

    def plan(self, mine: int, theirs: int, limits: Limits) -> Plan:
        """What to play with these stones."""
        root = self.tree.root(mine, theirs)
        before, done = self.endgame.visited, 0
        if root.solved is None and len(root.bits) > 1:
            done = self._think(root, limits)
        return Plan(
            action=self._choice(root),
            value=root.q,
            outcome=root.solved,
            visits=self._visits(root),
            simulations=done,
            positions=self.endgame.visited - before,
        )

    def _think(self, root: Node, limits: Limits) -> int:
        """Proofs first, then the tree, which asks for more of them. Returns its simulations."""
        self.clock, self.last = limits.clock, self.endgame.visited + limits.positions
        self._prove(root, (1 - PROOF_SHARE) * self.clock.left())
        return self.tree.run(root, limits.simulations, self.clock)

    def _prove_leaf(self, leaf: Node) -> None:
        if leaf.stones >= self.board.size - LEAF_CELLS and self.endgame.visited < self.last:
            last = min(self.last, self.endgame.visited + LEAF_POSITIONS)
            self.endgame.limit(last, self.clock)
            with suppress(OutOfTime):
                leaf.prove(self.endgame.solve(leaf.sets))

    def _visits(self, root: Node) -> dict[int, int]:
        return {self._action(bit): root.visits[i] for i, bit in enumerate(root.bits)}

    def _prove(self, root: Node, kept: float) -> None:
        """Near the end, looks for a move that wins, and rules out those that lose.

        kept: seconds to leave on the clock.
        """
        if root.solved is not None or root.stones < self.board.size - PROOF_CELLS:
            return
        self.endgame.limit(self.last, self.clock, kept)
        steps = [self._find_win, self._rule_out]
        with suppress(OutOfTime):
            for step in steps if root.q >= 0 else steps[::-1]:
                step(root)

    def _find_win(self, root: Node) -> None:
        for index, child in self._open_moves(root):
            if not self.endgame.reaches(child.sets, DRAWN):
                child.prove(LOST)
                self.tree.settle(root, index, WON)
                return

    def _rule_out(self, root: Node) -> None:
        """Of moves that all lose none, so that the tree chooses what is hardest to refute."""
        moves = self._open_moves(root)
        losing: list[tuple[int, Node]] = []
        try:
            for index, child in moves:
                if self.endgame.reaches(child.sets, WON):
                    losing.append((index, child))
        finally:
            if len(losing) < sum(mean > DEAD for mean in root.means):
                for index, child in losing:
                    child.prove(WON)
                    self.tree.settle(root, index, LOST)

    def _open_moves(self, root: Node) -> list[tuple[int, Node]]:
        """Moves that nothing is proven of, the best first."""
        moves = [(index, self.tree.child(root, index)) for index in range(len(root.bits))]
        moves.sort(key=lambda move: (root.visits[move[0]], root.priors[move[0]]), reverse=True)
        return [move for move in moves if move[1].solved is None and root.solved is None]

    def _choice(self, root: Node) -> int:
        """The proven best, else what was tried most; the network's favourite where nothing was."""
        if not root.bits:
            return self._reflex(root)

        def rank(index: int) -> tuple[float, ...]:
            child = root.children[index]
            outcome = -child.solved if child and child.solved is not None else UNPROVEN
            first = root.means[index] > DEAD if root.solved is None else outcome
            return first, root.visits[index], root.means[index], root.priors[index]

        return self._action(root.bits[max(range(len(root.bits)), key=rank)])

    def _reflex(self, root: Node) -> int:
        """A move of a position that is decided at sight: win, block, hand nothing over."""
        moves = self.board.playable(root.mine | root.theirs)
        quiet = moves & ~(root.threats >> self.board.drop)
        urgent = next(filter(None, (root.wins & moves, root.threats & moves, quiet, moves)), 0)
        return self._action(urgent)

    def _action(self, cells: int) -> int:
        """The action that reaches one of these cells; 0 where there are none."""
        return next((action for action, mask in self.board.choices if cells & mask), 0)
