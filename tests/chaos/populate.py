"""Run as a process: makes the tables of a new league, its competition and its people.

Prints an API token of each person as JSON.
"""

import json
import os

import django
from django.core.management import call_command

from tests.chaos.names import PEOPLE, SLUG


def main() -> None:
    begin()
    print(json.dumps(people_with_tokens()))


def begin() -> None:
    """An empty database gets its tables, a competition that keeps pairing, and house bots."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "league.settings"
    django.setup()
    call_command("migrate", verbosity=0)

    from league import house
    from tests.factories import make_competition

    competition = make_competition(
        SLUG, environment="tictactoe", settle_se=0.5, max_matches=100_000, daily_limit=1000
    )
    house.enlist(competition)


def people_with_tokens() -> dict[str, str]:
    from league import tokens
    from tests.factories import make_user

    return {name: tokens.issue(make_user(name)) for name in PEOPLE}


if __name__ == "__main__":
    main()
