"""What goes wrong on our side of the box. Faults of agents are verdicts, not exceptions."""


class BoxFailed(Exception):
    """The box could not be set up or broke: a fault of the platform, in one sentence.

    remedy: the shell command that mends it, where one is known.
    """

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.remedy = remedy
