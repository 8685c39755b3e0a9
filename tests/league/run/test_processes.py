"""The processes of `make run`: what each of them refuses to do."""

import subprocess
from collections.abc import Iterator

import pytest
import redis

from league.run import paths, processes
from tests.stack import wait_for


@pytest.fixture
def client(tmp_path) -> Iterator["redis.Redis"]:
    (tmp_path / "redis").mkdir()
    paths.make_private(paths.run_dir(tmp_path))
    paths.make_private(paths.socket_path(tmp_path).parent)
    server = subprocess.Popen(processes.private_redis(tmp_path).argv, stdout=subprocess.DEVNULL)
    wait_for(paths.socket_path(tmp_path).is_socket, 5, "redis")
    with redis.Redis(unix_socket_path=str(paths.socket_path(tmp_path))) as connection:
        yield connection
    server.terminate()
    server.wait(5)


@pytest.mark.parametrize(
    "command",
    [
        ("CONFIG", "SET", "dir", "/tmp"),
        ("CONFIG", "GET", "*"),
        ("MODULE", "LOAD", "/tmp/x.so"),
        ("REPLICAOF", "127.0.0.1", "1"),
    ],
)
def test_private_redis_writes_no_file_and_loads_no_code_for_a_client(client, command) -> None:
    with pytest.raises(redis.ResponseError, match="unknown command"):
        client.execute_command(*command)
    assert client.set("key", "value")
