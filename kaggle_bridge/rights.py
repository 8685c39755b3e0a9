"""Who may start, stop and feed training runs."""

from typing import Any

from league.errors import Forbidden


def may_start(user: Any) -> bool:
    return bool(user.is_staff and user.has_perm("kaggle_bridge.add_trainingrun"))


def require(user: Any) -> None:
    """Raises Forbidden."""
    if not may_start(user):
        raise Forbidden("Only organisers may start training runs and stop them.", "not_organiser")
