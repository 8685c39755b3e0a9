"""`manage.py seed`: the demo competitions, house bots and the first administrator."""

from typing import Any

from django.core.management.base import BaseCommand

from league import demo


class Command(BaseCommand):
    help = "Adds the demo competitions, their house bots and an administrator, where missing."

    def handle(self, *args: Any, **options: Any) -> None:
        demo.seed()
