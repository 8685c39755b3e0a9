"""The life of a clone: shuts itself in, loads main.py as Kaggle does, answers questions.

Runs inside, standard library only.
"""

import _json
import builtins
import fcntl
import gc
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from evaluation import archive
from evaluation.sandbox import cloning, enclosure

MAX_TRACE = 8000
CHUNK = 1 << 16

REQUESTS, ANSWERS = 3, 4
FIRST_FREE = 10
CO_VARARGS = 4
OURS = [name for name in sys.modules if name.partition(".")[0] == "evaluation"]
OURS.append("evaluation.sandbox.zygote")


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
        self.buffer = bytearray()
        self.scan = _json.make_scanner(_ScannerOptions())  # type: ignore[arg-type]

    def receive(self) -> dict[str, Any]:
        length = int.from_bytes(self.take(4), "little")
        message: dict[str, Any] = self.scan(self.take(length).decode(), 0)[0]
        return message

    def send(self, body: bytes, content: bytes = b"") -> None:
        data = len(body).to_bytes(4, "little") + body + content
        while data:
            data = data[self.write(self.answers, data) :]

    def send_part(self, header: dict[str, Any], content: bytes) -> None:
        self.send(encode(header), content)

    def take(self, size: int) -> bytes:
        while len(self.buffer) < size:
            chunk = self.read(self.requests, CHUNK)
            if not chunk:  # the worker is gone
                os._exit(0)
            self.buffer += chunk
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
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


def live(descriptors: list[int], setup: dict[str, Any], folder: str | None) -> None:
    """A clone's whole life. descriptors: requests, answers, stdout, stderr.

    folder: where the agent's files go in a view that is shared; None where it has its own.
    """
    requests, answers, stdout, stderr = descriptors
    place(stdout, stderr, requests, answers)
    if folder is None:
        cloning.map_ids(cloning.INSIDE_UID, cloning.INSIDE_UID)
    channel = Channel(REQUESTS, ANSWERS)
    order = channel.receive()
    reseed()
    try:
        agent_dir = shut_in(channel, order, setup, folder)
    except Exception as error:
        channel.send(encode({"seq": 0, "fault": "platform_fault", "message": str(error)}))
        return
    channel.send(encode({"seq": 0}))
    settle_in(agent_dir)
    serve(channel, f"{agent_dir}/main.py")


def place(*descriptors: int) -> None:
    """Makes them 1, 2, 3, 4, and closes all others; 0 reads nothing."""
    wanted = (os.open("/dev/null", os.O_RDONLY), *descriptors)
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, FIRST_FREE) for descriptor in wanted]
    for low, descriptor in enumerate(high):
        os.dup2(descriptor, low, inheritable=low < REQUESTS)
    os.closerange(len(high), 1 << 20)


def reseed() -> None:
    """Clones must not draw the same numbers; Python's own generator was seeded by the fork."""
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed(int.from_bytes(os.urandom(4), "little"))


def shut_in(
    channel: Channel, order: dict[str, Any], setup: dict[str, Any], folder: str | None
) -> str:
    """Takes the agent's files, then gives up all rights. Where its main.py stands."""
    files = ((name, channel.take(size)) for name, size in order["files"])
    limits = order["limits"]
    if folder is None:
        enclosure.show(files, limits["file_bytes"], limits["files"])
        agent_dir, writable = enclosure.AGENT_DIR, [enclosure.TMP, "/dev/null"]
    else:
        enclosure.write(files, folder)
        agent_dir, writable = folder, ["/dev/null"]
    os.chdir(agent_dir)
    enclosure.enclose(limits, setup, [*setup["readable"], agent_dir], writable)
    return agent_dir


def prepare_interpreter() -> None:
    """What an ordinary start of Python would have set up; done once, before there are clones."""
    sys.dont_write_bytecode = True
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    vars(builtins).update(exit=sys.exit, quit=sys.exit)


def settle_in(agent_dir: str) -> None:
    """From here on the interpreter is the agent's; its own modules may have any name."""
    sys.argv = [f"{agent_dir}/main.py"]
    sys.path.append(agent_dir)
    gc.enable()
    for name in OURS:
        sys.modules.pop(name, None)


def load_agent(main: str) -> Callable[..., Any]:
    """The last callable of main.py, executed without a module name as kaggle-environments does."""
    with open(main, "rb") as file:
        code = compile(file.read(), main, "exec", dont_inherit=True)
    namespace: dict[str, Any] = {"__file__": main}
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
    """What went wrong. Errors are of a stranger's making: neither their class, which an instance
    may deny, nor their fields are what they seem."""
    kind = type(error)
    if issubclass(kind, SystemExit):
        return {"fault": "exited", "type": "SystemExit"}
    if issubclass(kind, NoCallable):
        return {"fault": "no_callable"}
    if issubclass(kind, BadAction):
        return {"fault": "invalid_action", "message": str(error)[:200]}
    fault = {"type": kind.__name__, "trace": own_trace(error)}
    if issubclass(kind, MemoryError):
        return fault | {"fault": "out_of_memory"}
    if issubclass(kind, SyntaxError):
        return fault | {"fault": "syntax_error", "line": _plain_or(getattr(error, "lineno", 0), 0)}
    if issubclass(kind, PermissionError):
        return fault | {"fault": "forbidden_call"}
    if issubclass(kind, ImportError):
        return fault | {"fault": "import_error", "name": _plain_or(getattr(error, "name", ""), "")}
    return fault | {"fault": "exception"}


def _plain_or(value: Any, default: Any) -> Any:
    return value if type(value) is type(default) else default


def own_trace(error: BaseException) -> str:
    """The traceback without the frames of this file and of libraries."""
    try:
        return _format_trace(error)
    except BaseException:  # the agent has broken what this needs
        return ""


def _format_trace(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if frame.filename.startswith(sys.argv[0].removesuffix("main.py"))
    ]
    lines = traceback.format_list(own) + traceback.format_exception_only(error)
    return ("Traceback (most recent call last):\n" + "".join(lines))[-MAX_TRACE:]


def answer(channel: Channel, seq: int, ask: Callable[[int], bytes]) -> None:
    """Sends what `ask` returns, or the fault that it ends in."""
    try:
        try:
            body = ask(seq)
        except BaseException as error:
            body = account(seq, error)
        flush()
    except MemoryError:
        body = b'{"seq":%d,"fault":"out_of_memory"}' % seq
    channel.send(body)


def account(seq: int, error: BaseException) -> bytes:
    """The fault as an answer, also where the error itself raises when it is looked at."""
    try:
        return encode({"seq": seq, **fault_of(error)})
    except MemoryError:
        raise
    except BaseException:
        return b'{"seq":%d,"fault":"exception"}' % seq


def flush() -> None:
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except BaseException:
            continue


def serve(channel: Channel, main: str) -> None:
    """The first question asks to load the agent, all others for an action.

    Or it asks to unpack an archive; the answer is a stream, and there are no others.
    """
    agent: Any = None
    parameters = 0

    def load(seq: int) -> bytes:
        nonlocal agent, parameters
        agent = load_agent(main)
        parameters = arity(agent)
        return encode({"seq": seq})

    def act(seq: int) -> bytes:
        configuration = question["configuration"]
        configuration["__raw_path__"] = main
        action = agent(*(question["observation"], configuration)[:parameters])
        return encode_action(seq, action)

    first = channel.receive()
    if "unpack" in first:
        archive.send_files(archive.UPLOAD, first["unpack"], channel.send_part)
        return
    answer(channel, first["seq"], load)
    while True:
        question = channel.receive()
        answer(channel, question["seq"], act)


def encode_action(seq: int, action: Any) -> bytes:
    try:
        return encode({"seq": seq, "action": action})
    except (TypeError, ValueError, RecursionError) as error:
        raise BadAction(str(error)) from error
