"""The cache's format: JSON, so that a writer to Redis cannot make us unpickle anything."""

import json
from typing import Any


class JsonSerializer:
    """Django's serializer protocol for RedisCache."""

    def __init__(self, protocol: int | None = None) -> None:
        pass

    def dumps(self, value: Any) -> bytes | int:
        # Integers stay bare, so that Redis can increment them.
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        return json.loads(data)
