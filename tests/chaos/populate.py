"""Run as a process: makes the tables of a new league, its competition and its people.

Prints an API token of each person as JSON.
"""

import json
import os

import django
from django.core.management import call_command

PEOPLE = ("alice", "bob", "dave")


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "league.settings"
    django.setup()
    call_command("migrate", verbosity=0)

    from league import house, tokens
    from tests.factories import make_competition, make_user

    competition = make_competition(
        "tictactoe", environment="tictactoe", settle_se=0.5, max_matches=100_000, daily_limit=1000
    )
    house.enlist(competition)
    print(json.dumps({name: tokens.issue(make_user(name)) for name in PEOPLE}))


if __name__ == "__main__":
    main()
