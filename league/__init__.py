"""The league: competitions, submissions, matches and the site around them."""

from league.celery import app as celery_app

__all__ = ["celery_app"]
