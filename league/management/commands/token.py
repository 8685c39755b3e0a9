"""`manage.py token USERNAME`: prints a new API token of a user and nothing else."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from league import teams, tokens
from league.models import ApiToken


class Command(BaseCommand):
    help = "Prints a new API token of a user. It is stored hashed and cannot be shown again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--create",
            action="store_true",
            help="make the user, who cannot log in with a password, and a team of the same name",
        )
        parser.add_argument(
            "--staff", action="store_true", help="a token that may also do what staff may"
        )

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["username"], options["create"], options["staff"])
        if not user.is_active:
            raise CommandError(f"The account {user.username!r} is not active.")
        if options["staff"] and not user.is_staff:
            raise CommandError(f"{user.username!r} is not staff: change that in the admin first.")
        scope = ApiToken.Scope.STAFF if options["staff"] else ApiToken.Scope.SUBMIT
        self.stdout.write(tokens.issue(user, scope))


def find_user(username: str, create: bool, is_staff: bool) -> User:
    user = User.objects.filter(username=username).first()
    if user is not None:
        return user
    if not create:
        raise CommandError(f"There is no user {username!r}; --create makes one.")
    user = User(username=username, is_staff=is_staff)
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    user.save()
    teams.team_of(user)
    return user
