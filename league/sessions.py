"""Sessions in the database, which is asked only for keys that a session can have."""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def __init__(self, session_key: str | None = None) -> None:
        # A cookie may spell any byte, and PostgreSQL fails at a NUL.
        is_key = bool(session_key and session_key.isascii() and session_key.isalnum())
        super().__init__(session_key if is_key else None)
