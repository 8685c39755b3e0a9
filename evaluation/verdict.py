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
    "exception": "Read the traceback below and mend the marked line.",
    "invalid_action": "Return an action that the game's action schema allows, as a plain value.",
    "move_timeout": "Answer within the move limit; time the slowest position at home.",
    "bank_exhausted": "Spend less time over the move limit; the bank is shared by all moves.",
    "startup_timeout": "Do less at import: load data lazily or ship it precomputed.",
    "episode_timeout": "Spend less time a move; the whole episode has a limit of its own.",
    "out_of_memory": "Keep less in memory; the limit stands on the competition's page.",
    "output_limit": "Print less, and return a small action.",
    "killed_by_signal": "A native library crashed or a system limit was passed; see the log.",
    "exited": "Do not call sys.exit() or os._exit(); return an action instead.",
    "protocol_error": "Leave the descriptors of the runner alone and return plain JSON values.",
    "network_failure": "Check that the agent's server can be reached from the Internet, "
    "and that it answers quickly and with JSON.",
    "platform_fault": "This was our fault. It is not counted, and we try again by ourselves.",
}


@dataclass(frozen=True)
class Verdict:
    """code: a key of ADVICE. message: one sentence for everybody. detail: for the owner only."""

    code: str
    message: str
    detail: str = ""

    @property
    def advice(self) -> str:
        return ADVICE[self.code]

    def to_json(self) -> dict[str, str]:
        """Bounded: an agent chooses the text of its exceptions."""
        return {
            "code": self.code,
            "message": self.message[:MESSAGE_CHARS],
            "detail": self.detail[:DETAIL_CHARS],
        }
