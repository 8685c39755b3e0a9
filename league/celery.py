"""The league's Celery app: records, ratings, pairing, sweeping. `celery -A league worker|beat`."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "league.settings")
# Fits run beside matches: a second thread of linear algebra would only fight them for a core.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = Celery("league")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["league", "kaggle_bridge"])
