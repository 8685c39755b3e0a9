"""The Celery tasks of training, all on the queue of the one process that holds the credentials."""

from celery import shared_task

from kaggle_bridge import driver, entrants, tidying
from league.queue import send


@shared_task(name="kaggle_bridge.look")
def look() -> int:
    """Every few seconds: each due run becomes a task of its own."""
    found = driver.due()
    for run_id in found:
        send("kaggle_bridge.advance", [run_id], queue="training")
    driver.look()
    entrants.retire_all_superseded()
    return len(found)


@shared_task(name="kaggle_bridge.advance")
def advance(run_id: int) -> bool:
    return driver.advance(run_id)


@shared_task(name="kaggle_bridge.tidy")
def tidy() -> int:
    for run_id in driver.left_over():
        send("kaggle_bridge.advance", [run_id], queue="training")
    return tidying.tidy()
