"""Sends tasks by name after the commit, so that no module needs to import another's tasks."""

import logging
from typing import Any

from celery.canvas import Signature
from django.db import transaction
from kombu.exceptions import OperationalError

from league import live
from league.celery import app

logger = logging.getLogger(__name__)


def later(name: str, *args: Any) -> None:
    """Runs a task of the league once the current transaction is committed."""
    send(name, args, queue="league")


def send(name: str, args: Any, queue: str, link: Signature | None = None) -> None:
    """Publishes after the commit. A broker that is away loses nothing: the sweeper sends again."""

    def publish() -> None:
        if not live.is_reachable():  # Celery's own attempts to connect take seconds
            logger.warning("could not publish %s; the sweeper will: Redis is away", name)
            return
        try:
            app.send_task(name, args, queue=queue, link=link, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            logger.warning("could not publish %s; the sweeper will: %s", name, error)

    transaction.on_commit(publish)
