"""Why an agent failed: one vocabulary for the box, the engine, pages, API and replays."""

from dataclasses import dataclass

MESSAGE_CHARS, DETAIL_CHARS = 500, 20_000

ADVICE = {
    "bad_upload": "Upload a Python file, or a .zip or .tar.gz of plain files "
    "with main.py at its top.",
    "empty_upload": "Upload a file with at least one function in it.",
    "syntax_error": "Run `python -m py_compile main.py` at home and mend the line that it names.",
    "import_error": "Import only the standard library, the packages that the competition lists, "
    "and files of your own bundle.",
    "no_callable": "Define a function such as `def agent(observation, configuration):` "
    "as the last one of the file.",
    "exception": "Read the traceback, which its team finds with the logs, and mend "
    "the marked line.",
    "invalid_action": "Return an action that the game's action schema allows, as a plain value.",
    "move_timeout": "Answer within the move limit; time the slowest position at home.",
    "bank_exhausted": "Spend less time over the move limit; the bank is shared by all moves.",
    "startup_timeout": "Do less at import: load data lazily or ship it precomputed.",
    "episode_timeout": "Spend less time a move; the whole episode has a limit of its own.",
    "out_of_memory": "Keep less in memory; the limit stands on the competition's page.",
    "output_limit": "Print less, and return a small action.",
    "killed_by_signal": "A native library crashed or a system limit was passed; see the log.",
    "forbidden_call": "Start no processes, open no sockets, and write below /tmp only.",
    "exited": "Do not call sys.exit() or os._exit(); return an action instead.",
    "protocol_error": "Leave the descriptors of the runner alone and return plain JSON values.",
    "network_failure": "Check that the agent's server can be reached from the Internet, "
    "and that it answers quickly and with JSON.",
    "platform_fault": "This was our fault. It is not counted, and we try again by ourselves.",
}
# By the reason of a network_failure.
NETWORK_ADVICE = {
    "refused": "Start the server, let it listen on a public address, and open its port in the "
    "firewall.",
    "unresolved": "Check the host name in the URL and its DNS records; a fresh one takes a while "
    "to spread.",
    "forbidden_address": "Give the name public addresses only: one private or reserved address "
    "among them is enough to be refused.",
    "timeout": "Answer within the move limit, the way there and back included: keep the server "
    "warm and near, and the model loaded.",
    "tls": "Renew the certificate, for the very name in the URL and with its whole chain; try "
    "`curl -v` on the URL.",
    "redirect": "Submit the URL that the redirect leads to; mind http or https and the last slash.",
    "status": "Answer each POST with status 200; the log of the server tells what went wrong.",
    "too_large": "Answer with the action alone: 16 KB of headers and 64 KB of body are taken.",
    "compressed": "Send the answer as it is: switch compression off for this path.",
    "not_http": "Answer in HTTP/1.1 or 1.0, with one length, on the port that the URL names.",
    "broken": "Send the whole answer before the connection is closed; a crash or a wrong "
    "Content-Length cuts it short.",
    "not_json": 'Answer with plain JSON such as {"action": 3}: no NaN, no integer beyond 64 bits.',
    "no_action": 'Answer with a JSON object that has the key "action".',
    "agent_error": "Mend the exception in the agent; the server's own log has its traceback.",
}


@dataclass(frozen=True)
class Verdict:
    """code: a key of ADVICE. message: one sentence for everybody. detail: for the owner only.

    reason: of a network_failure, a key of NETWORK_ADVICE.
    """

    code: str
    message: str
    detail: str = ""
    reason: str = ""

    @property
    def advice(self) -> str:
        return advice(self.code, self.reason)

    def to_json(self) -> dict[str, str]:
        """Bounded: an agent chooses the text of its exceptions."""
        return {
            "code": self.code,
            "message": self.message[:MESSAGE_CHARS],
            "detail": self.detail[:DETAIL_CHARS],
            "reason": self.reason,
        }


def advice(code: str, reason: str = "") -> str:
    """What to do about it; the more exactly where the reason is known, nothing for other codes."""
    return NETWORK_ADVICE.get(reason) or ADVICE.get(code, "")
