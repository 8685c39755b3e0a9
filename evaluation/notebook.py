"""Notebooks: shows the page of an episode in a cell, and lets a person play a seat in it.

A person's action travels through a hidden text field of ipywidgets where that is installed, since
its messages reach the kernel from every front end, on this machine or another; where it is not,
the page posts it to a loopback server of the kernel, under a secret address made for this play.
"""

import html
import json
import secrets
from collections.abc import Mapping, Sequence
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING, Any

from evaluation.errors import FailedPrecondition, InvalidArgument

if TYPE_CHECKING:
    from evaluation.engine import Environment
    from evaluation.trainer import Trainer

WIDTH, HEIGHT = "100%", 640
UNITS = ("%", "px", "em", "rem", "vh", "vw")
KEPT = 16
# The episodes that people play, newest last: environment and trainer by the environment's id.
interactives: dict[str, tuple["Environment", "Trainer"]] = {}
# Carries messages between the page in a frame and the text field that ipywidgets keeps in step with
# the kernel. It knows its play by the secret, which is in the page alone.
RELAY = """<script>
addEventListener("message", ({ data, source }) => {
  if (data?.play !== %(secret)s) return;
  const field = (name) => document.querySelector(`[placeholder="${name} ${data.play}"]`);
  const [asked, answered] = [field("asked"), field("answered")];
  if (!asked || !answered) return;
  const { play, number, message } = data;
  const answerWith = (answer) => source.postMessage({ play, number, answer }, "*");
  if (message.greeting) return answerWith({});
  asked.value = JSON.stringify({ number, message });
  for (const kind of ["input", "change"]) asked.dispatchEvent(new Event(kind, { bubbles: true }));
  const watch = setInterval(() => {
    const said = JSON.parse(answered.value || "{}");
    if (said.number !== number) return;
    clearInterval(watch);
    answerWith(said.answer);
  }, 40);
});
</script>"""


def show(page: str, options: Mapping[str, Any]) -> None:
    """Displays a page in a frame that has scripts and nothing else of the notebook."""
    display = _ipython()
    width, height = (
        _length(name, options.get(name, default))
        for name, default in (("width", WIDTH), ("height", HEIGHT))
    )
    frame = (
        f'<div><iframe srcdoc="{html.escape(page)}" sandbox="allow-scripts" allow="fullscreen" '
        f'width="{width}" height="{height}" style="border: 0"></iframe></div>'
    )
    display.display(display.HTML(frame))


def play(env: "Environment", agents: Sequence[Any] | None = None, **options: Any) -> None:
    """Shows an episode of a copy of `env` in the notebook; a person plays the seat that is None.

    agents: by default a person against the first agents that the environment lists.
    options: as for `render(mode="ipython")`.
    """
    display = _ipython()
    seats = _opponents(env) if agents is None else list(agents)
    session = _Session(env.clone(), seats)
    interactives[session.env.id] = session.env, session.trainer
    while len(interactives) > KEPT:
        interactives.pop(next(iter(interactives)))
    secret = secrets.token_hex(16)
    from evaluation import loopback  # a server is wanted by nobody else

    address = loopback.serve(secret, session.answer)
    if _carry(secret, session):
        display.display(display.HTML(RELAY % {"secret": json.dumps(secret)}))
    seat = session.trainer.position
    session.env.render(
        mode="ipython", **{"playing": False, **options, "play": address, "seat": seat}
    )


class _Session:
    """An episode with a person in it: what they do goes in, the steps that follow come out."""

    def __init__(self, env: "Environment", agents: list[Any]) -> None:
        self.env = env
        env.info.setdefault("TeamNames", [_label(agent) for agent in agents])
        self.trainer = env.train(agents)
        self._lock = Lock()

    def answer(self, message: Any) -> dict[str, Any]:
        """What a message of the page leads to; for people, why not, under `error`."""
        with self._lock:
            try:
                return self._take(message)
            except (InvalidArgument, FailedPrecondition) as error:
                return {"error": error.message}
            except Exception as error:  # the environment's own fault, which the person should read
                return {"error": f"The environment failed: {error!r}"}

    def _take(self, message: Any) -> dict[str, Any]:
        if not isinstance(message, dict):
            raise InvalidArgument("A message is an object.")
        known = 0
        if "again" in message:
            self.trainer.reset()
        else:
            known = len(self.env.steps)
            self.trainer.step(message.get("action"))
        last = self.env.steps[-1]
        return {
            "from": known,
            "steps": self.env.steps[known:],
            "rewards": [seat["reward"] for seat in last],
            "statuses": [seat["status"] for seat in last],
            "logs": self.env.logs,
            "info": {**self.env.info, "result": self.env.summary()},
        }


def _carry(secret: str, session: _Session) -> bool:
    """Lets a pair of hidden text fields carry messages; False without ipywidgets."""
    try:
        ipywidgets = import_module("ipywidgets")
    except ImportError:
        return False
    from evaluation.player import encode

    asked = ipywidgets.Text(placeholder=f"asked {secret}")
    answered = ipywidgets.Text(placeholder=f"answered {secret}")

    def on_ask(change: Any) -> None:
        asking = json.loads(change["new"])
        answer = session.answer(asking["message"])
        answered.value = encode({"number": asking["number"], "answer": answer})

    asked.observe(on_ask, "value")
    _ipython().display(ipywidgets.VBox([asked, answered], layout={"display": "none"}))
    return True


def _opponents(env: "Environment") -> list[Any]:
    """A person on the first seat, the first built-in agent (most often "random") on the others."""
    rival = "random" if "random" in env.agents else next(iter(env.agents), None)
    return [None, *[rival] * (env.specification["agents"][0] - 1)]


def _label(agent: Any) -> str:
    """What to call a player: a built-in's name, a file's, a function's."""
    if agent is None:
        return "You"
    if isinstance(agent, str):
        name = agent.strip().rpartition("/")[2]
        return name if name and "\n" not in name else "agent"
    name = getattr(agent, "__name__", type(agent).__name__)
    return name if name.isidentifier() else "agent"


def _length(name: str, value: Any) -> str:
    """A width or height as an attribute's or a style's length; raises InvalidArgument."""
    text = str(value).strip()
    number = text.rstrip("%abcdefghijklmnopqrstuvwxyz")
    unit = text[len(number) :]
    if number.isdecimal() and unit in ("", *UNITS[:2]):
        return number + ("%" if unit == "%" else "")
    raise InvalidArgument(f'{name} is a number of pixels or a share such as "100%", not {value!r}.')


def _ipython() -> Any:
    try:
        return import_module("IPython.display")
    except ImportError as error:
        raise FailedPrecondition(
            "The mode ipython and play() need a notebook: install IPython, or use "
            'render(mode="html") and open the page in a browser.'
        ) from error
