"""The platform's failures are raised; an agent's failure stands in the place of its action."""

from evaluation.errors import InvalidAction
from evaluation.verdict import Verdict


class BoxFailed(Exception):
    """The box could not be set up or broke: a fault of the platform, in one sentence.

    remedy: the shell command that mends it, where one is known.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy


class AgentFailed(Exception):
    """Returned in place of an action by an agent that broke; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.message)
        self.verdict = verdict


class AnswerRefused(AgentFailed, InvalidAction):
    """The agent answered, and what came is no action: its seat's status is INVALID."""
