"""Who is known, by which credential, and what of the week's quota is used."""

import base64
import binascii
from dataclasses import dataclass, field

from tests.kaggle_service.errors import unauthorized


@dataclass
class Account:
    """key: goes with the name (basic). token: a bearer. has_expired: both answer 401."""

    key: str = ""
    token: str = ""
    has_expired: bool = False
    used_s: dict[str, float] = field(default_factory=lambda: {"gpu": 0.0, "tpu": 0.0})


@dataclass(frozen=True)
class Caller:
    """name: empty if unknown. credential: key, token, none or unknown; never the secret."""

    name: str
    credential: str


class Accounts:
    def __init__(self, known: dict[str, Account]) -> None:
        self.known = known

    def __getitem__(self, name: str) -> Account:
        return self.known[name]

    def caller(self, authorization: str) -> Caller:
        """Whoever an Authorization header speaks for."""
        scheme, _, value = authorization.partition(" ")
        if not scheme:
            return Caller("", "none")
        if scheme.lower() == "basic":
            return self._by_key(value)
        return self.by_token(value.strip())

    def _by_key(self, value: str) -> Caller:
        try:
            name, _, key = base64.b64decode(value).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Caller("", "unknown")
        account = self.known.get(name)
        is_right = bool(account and account.key and account.key == key)
        return Caller(name, "key") if is_right else Caller("", "unknown")

    def by_token(self, token: str) -> Caller:
        for name, account in self.known.items():
            if account.token and account.token == token:
                return Caller(name, "token")
        return Caller("", "unknown")

    def require(self, caller: Caller) -> None:
        if not caller.name or self.known[caller.name].has_expired:
            raise unauthorized()
