"""Runs inside the box: shuts itself in, loads main.py as Kaggle does, answers questions.

Imports only what a bare interpreter has quickly: json, typing and traceback would double its start.
"""

from __future__ import annotations

import _json
import builtins
import ctypes
import os
import resource
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

AGENT_DIR = "/kaggle_simulations/agent"
MAIN = f"{AGENT_DIR}/main.py"
MAX_TRACE = 8000
CHUNK = 1 << 16

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
CAPABILITY_VERSION_3 = 0x20080522
LAST_CAPABILITY = 63
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
CO_VARARGS = 4


class Struct(dict):  # type: ignore[type-arg]
    """A JSON object whose entries are attributes too: obs.board is obs["board"]."""

    __slots__ = ()
    __setattr__ = dict.__setitem__
    __delattr__ = dict.__delitem__

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class NoCallable(Exception):
    """main.py leaves nothing behind that can be called."""


class BadAction(Exception):
    """The agent returned what JSON cannot carry."""


class Channel:
    """Questions in, answers out, on descriptors of their own."""

    def __init__(self, requests: int, answers: int) -> None:
        self.requests, self.answers = requests, answers
        self.read, self.write = os.read, os.write  # agents patch modules
        self.buffer = b""
        self.scan = _json.make_scanner(_ScannerOptions())  # type: ignore[arg-type]

    def receive(self) -> dict[str, Any]:
        length = int.from_bytes(self._take(4), "little")
        message: dict[str, Any] = self.scan(self._take(length).decode(), 0)[0]
        return message

    def send(self, body: bytes) -> None:
        data = len(body).to_bytes(4, "little") + body
        while data:
            data = data[self.write(self.answers, data) :]

    def _take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            chunk = self.read(self.requests, CHUNK)
            if not chunk:  # the worker is gone
                os._exit(0)
            self.buffer += chunk
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken


class _ScannerOptions:
    strict = True
    object_hook = Struct
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


def encode(value: Any) -> bytes:
    """Strict JSON; NumPy scalars and arrays become plain numbers and lists."""
    quote = _json.encode_basestring_ascii
    encoder = _json.make_encoder({}, _plain, quote, None, ":", ",", False, False, False)
    return "".join(encoder(value, 0)).encode()


def _plain(value: Any) -> Any:
    if callable(getattr(value, "tolist", None)):
        return value.tolist()
    raise TypeError(f"a value of type {type(value).__name__} is not plain JSON")


def shut_in(setup: dict[str, Any]) -> None:
    """Gives up all rights for good, before any line of the agent is read."""
    libc = ctypes.CDLL(None, use_errno=True)
    limits = setup["limits"]
    options = f"size={limits['file_bytes']},nr_inodes={limits['files']},mode=1777"
    flags = ctypes.c_ulong(MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _checked(libc.mount(b"tmpfs", b"/tmp", b"tmpfs", flags, options.encode()), "mount /tmp")
    drop_capabilities(libc, setup["uid"])
    _set_limits(limits)
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "set no_new_privs")
    _install_filter(libc, bytes.fromhex(setup["filter"]))


def drop_capabilities(libc: ctypes.CDLL, uid: int | None) -> None:
    """For good, and for whatever would be executed later. uid: the one to become, if any."""
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _checked(libc.capset(header, (ctypes.c_uint32 * 6)()), "drop capabilities")


def watch_over(child: int) -> None:
    """The rest of process 1's life: the kernel ends all others with it.

    It keeps bubblewrap's uid, without capabilities, so that bubblewrap's death may end it; a
    process that has changed its uid would be spared.
    """
    os.closerange(0, 1 << 16)
    drop_capabilities(ctypes.CDLL(None), None)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)


def _install_filter(libc: ctypes.CDLL, program: bytes) -> None:
    code = ctypes.create_string_buffer(program, len(program))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    wanted = ctypes.byref(Program(len(program) // 8, ctypes.addressof(code)))
    _checked(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, wanted, 0, 0), "set the filter")


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"cannot {what}: {os.strerror(ctypes.get_errno())}")


def _set_limits(limits: dict[str, int]) -> None:
    wanted = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CPU: limits["cpu_s"],
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: limits["descriptors"],
        resource.RLIMIT_NPROC: limits["threads"],
        resource.RLIMIT_STACK: limits["stack_bytes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, limit in wanted.items():
        hard = resource.getrlimit(kind)[1]
        value = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (value, value))
    # SIGXCPU names the cause; the hard limit, which kills without a word, is still ahead.
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (max(1, hard - 1), hard))


def prepare_interpreter(packages: list[str]) -> None:
    """What an ordinary start of Python would have set up."""
    sys.argv = [MAIN]
    sys.path += [*packages, AGENT_DIR]
    sys.dont_write_bytecode = True
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    vars(builtins).update(exit=sys.exit, quit=sys.exit)


def load_agent() -> Callable[..., Any]:
    """The last callable of main.py, executed without a module name as kaggle-environments does."""
    with open(MAIN, "rb") as file:
        code = compile(file.read(), MAIN, "exec", dont_inherit=True)
    namespace: dict[str, Any] = {"__file__": MAIN}
    exec(code, namespace)
    callables = [value for value in namespace.values() if callable(value)]
    if not callables:
        raise NoCallable
    return callables[-1]  # type: ignore[no-any-return]


def arity(agent: Any) -> int:
    """How many of observation and configuration the agent takes."""
    is_function = hasattr(agent, "__code__")
    function: Any = agent if is_function else getattr(type(agent), "__call__", None)  # noqa: B004
    if isinstance(agent, type) or not hasattr(function, "__code__"):
        return 2
    if function.__code__.co_flags & CO_VARARGS:
        wrapped = getattr(agent, "__wrapped__", None)
        return arity(wrapped) if wrapped else 2
    is_bound = hasattr(agent, "__self__") or not is_function
    return int(function.__code__.co_argcount) - is_bound


def fault_of(error: BaseException) -> dict[str, Any]:
    if isinstance(error, SystemExit):
        return {"fault": "exited", "type": "SystemExit"}
    if isinstance(error, NoCallable):
        return {"fault": "no_callable"}
    if isinstance(error, BadAction):
        return {"fault": "invalid_action", "message": str(error)[:200]}
    fault = {"type": type(error).__name__, "trace": own_trace(error)}
    if isinstance(error, MemoryError):
        return fault | {"fault": "out_of_memory"}
    if isinstance(error, SyntaxError):
        return fault | {"fault": "syntax_error", "line": error.lineno or 0}
    if isinstance(error, ImportError):
        return fault | {"fault": "import_error", "name": error.name or ""}
    return fault | {"fault": "exception"}


def own_trace(error: BaseException) -> str:
    """The traceback without the frames of this file and of libraries."""
    try:
        return _format_trace(error)
    except Exception:  # the agent has broken what this needs
        return ""


def _format_trace(error: BaseException) -> str:
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename.startswith(AGENT_DIR)]
    lines = traceback.format_list(own) + traceback.format_exception_only(error)
    return ("Traceback (most recent call last):\n" + "".join(lines))[-MAX_TRACE:]


def answer(channel: Channel, seq: int, ask: Callable[[int], bytes]) -> None:
    """Sends what `ask` returns, or the fault that it ends in."""
    try:
        try:
            body = ask(seq)
        except BaseException as error:
            body = encode({"seq": seq, **fault_of(error)})
        flush()
    except MemoryError:
        body = b'{"seq":%d,"fault":"out_of_memory"}' % seq
    channel.send(body)


def flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except Exception:
            continue


def close_all_but(*kept: int) -> None:
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, 1 << 16)


def lowest(requests: int, answers: int) -> tuple[int, int]:
    """Both as 3 and 4, all others closed: the worker's own numbers may lie over our limit."""
    high = [_above(4, descriptor) for descriptor in (requests, answers)]
    close_all_but(*high)
    for low, descriptor in enumerate(high, start=3):
        os.dup2(descriptor, low, inheritable=False)
        os.close(descriptor)
    return 3, 4


def _above(limit: int, descriptor: int) -> int:
    copy = os.dup(descriptor)
    return copy if copy > limit else _above(limit, descriptor)


def main() -> None:
    requests, answers = lowest(int(sys.argv[1]), int(sys.argv[2]))
    if child := os.fork():
        watch_over(child)
    channel = Channel(requests, answers)
    setup = channel.receive()
    try:
        shut_in(setup)
    except Exception as error:
        channel.send(encode({"seq": 0, "fault": "platform_fault", "message": str(error)}))
        return
    # Fails if the worker died before the box was bound to its life; then nothing is loaded.
    channel.send(encode({"seq": 0}))
    prepare_interpreter(setup["packages"])
    serve(channel)


def serve(channel: Channel) -> None:
    """The first message asks to load, all others ask for an action."""
    agent: Any = None

    def load(seq: int) -> bytes:
        nonlocal agent
        agent = load_agent()
        return encode({"seq": seq})

    def act(seq: int) -> bytes:
        configuration = question["configuration"]
        configuration["__raw_path__"] = MAIN
        action = agent(*(question["observation"], configuration)[:parameters])
        return encode_action(seq, action)

    answer(channel, channel.receive()["seq"], load)
    parameters = arity(agent)
    while True:
        question = channel.receive()
        answer(channel, question["seq"], act)


def encode_action(seq: int, action: Any) -> bytes:
    try:
        return encode({"seq": seq, "action": action})
    except (TypeError, ValueError, RecursionError) as error:
        raise BadAction(str(error)) from error


if __name__ == "__main__":
    main()
