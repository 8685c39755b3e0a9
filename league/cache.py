"""The cache: Redis, which may be away, and which others than this site can write to.

Each value is JSON, signed under its key: markup and numbers that somebody else put there are
nothing, and nothing is ever unpickled.
"""

import json
from typing import Any

import redis
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.redis import RedisCache
from django.core.signing import BadSignature, Signer


class SignedRedisCache(RedisCache):
    """A Redis that does not answer is an empty cache: pages are drawn anew, slower but whole."""

    # One key at a time, for the key is part of the signature.
    get_many, set_many, incr = BaseCache.get_many, BaseCache.set_many, BaseCache.incr

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        try:
            signed = super().get(key, None, version)
            return default if signed is None else json.loads(self._signer(key).unsign(signed))
        except (redis.RedisError, BadSignature):
            return default

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        try:
            super().set(key, self._signed(key, value), timeout, version)
        except redis.RedisError:
            return

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        try:
            return super().add(key, self._signed(key, value), timeout, version)
        except redis.RedisError:
            return True

    def delete(self, key: str, version: int | None = None) -> bool:
        try:
            return super().delete(key, version)
        except redis.RedisError:
            return False

    def _signed(self, key: str, value: Any) -> str:
        return self._signer(key).sign(json.dumps(value))

    def _signer(self, key: str) -> Signer:
        return Signer(salt=f"league.cache:{key}")


class TextSerializer:
    """Django's serializer protocol for RedisCache: the values are text already."""

    def __init__(self, protocol: int | None = None) -> None:
        pass

    def dumps(self, value: str) -> bytes:
        return value.encode()

    def loads(self, data: bytes) -> str:
        return data.decode(errors="replace")
