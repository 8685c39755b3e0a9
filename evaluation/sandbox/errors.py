"""What goes wrong on our side of the box. Faults of agents are verdicts, not exceptions."""


class BoxFailed(Exception):
    """The box could not be set up or broke: a fault of the platform, in one sentence."""
