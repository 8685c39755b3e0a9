"""The sentence behind every state word: title texts and the help page say the same."""

from datetime import timedelta

from evaluation import broker
from evaluation.verdict import ADVICE, NETWORK_ADVICE
from league.models import Attempt, Clock, Match, Phase, Submission
from league.settling import Outlook

SUBMISSION_STATES = {
    Submission.Status.PENDING: "The upload is stored and waits for a free worker.",
    Submission.Status.VALIDATING: "It is unpacked and imported, plays against itself, then once "
    "in each seat against a house bot. None of this is rated.",
    Submission.Status.ACTIVE: "It passed validation, stands on the ladder and keeps playing.",
    Submission.Status.REJECTED: "Validation failed by the agent's own fault; the page says where, "
    "why and what to do. It never played a rated match.",
    Submission.Status.RETIRED: "Its team took it off the ladder, or a newer submission took its "
    "place. Its matches stay.",
    Submission.Status.DISQUALIFIED: "An organiser took it off the ladder; its episodes no longer "
    "count for anybody's rating.",
}
MATCH_STATES = {
    Match.State.QUEUED: "It waits for a worker.",
    Match.State.DISPATCHED: "A worker has it and plays its episodes.",
    Match.State.DONE: "Both episodes were played and recorded.",
    Match.State.ABORTED: "Given up after faults of ours. It counts for nobody.",
}
MATCH_STATE_WORDS = {
    Match.State.QUEUED: "queued",
    Match.State.DISPATCHED: "playing",
    Match.State.DONE: "done",
    Match.State.ABORTED: "aborted",
}
PURPOSES = {
    Match.Purpose.SELF_PLAY: "Validation: a submission plays against itself, to see that it runs.",
    Match.Purpose.HOUSE_BOTS: "Validation: a submission plays a house bot once in each seat.",
    Match.Purpose.RATED: "Counts for the ladder.",
}
PURPOSE_WORDS = {
    Match.Purpose.SELF_PLAY: "self-play",
    Match.Purpose.HOUSE_BOTS: "house bot",
    Match.Purpose.RATED: "rated",
}
ATTEMPT_STATES = {
    Attempt.State.SENT: "It is with a worker.",
    Attempt.State.DONE: "Its result counts.",
    Attempt.State.LOST: "Our worker was stopped or fell silent. Not counted, our fault.",
    Attempt.State.FAILED: "Something of ours failed. Not counted, our fault.",
}
SEAT_STATUSES = {
    "ACTIVE": "It is this seat's turn.",
    "INACTIVE": "The seat waits for its turn, or its episode has not begun.",
    "DONE": "The seat played to the end of the episode.",
    "ERROR": "The agent raised an exception, died or broke a limit, and lost by it.",
    "INVALID": "The agent returned an action that the game does not allow, and lost by it.",
    "TIMEOUT": "The agent used up its time, and lost by it.",
}
PHASES = {
    Phase.UPCOMING: "Not open yet: looking is free, uploading starts at the opening.",
    Phase.OPEN: "Agents can be submitted and play.",
    Phase.FINAL: "The deadline has passed. The field is locked, and the final ranking comes from "
    "games that are played from then on.",
    Phase.CLOSED: "No more matches: the ranking is final.",
}
VERDICTS = {
    "bad_upload": "The upload could not be opened as an agent.",
    "empty_upload": "There was nothing in the upload.",
    "syntax_error": "Python could not read the source.",
    "import_error": "An import failed inside the box.",
    "no_callable": "The file defines no function that could be the agent.",
    "exception": "The agent raised an exception.",
    "invalid_action": "The agent returned something that is not an action of this game.",
    "move_timeout": "A move took longer than its limit, and the bank could not cover it.",
    "bank_exhausted": "The bank of extra time, shared by all moves, was used up.",
    "startup_timeout": "Loading the agent took longer than the start-up limit.",
    "episode_timeout": "The episode as a whole took longer than its limit.",
    "out_of_memory": "The agent asked for more memory than the competition allows.",
    "output_limit": "The agent printed or returned more than is taken.",
    "killed_by_signal": "The agent's process crashed.",
    "exited": "The agent ended its own process.",
    "forbidden_call": "The agent asked the system for something that the box does not allow.",
    "protocol_error": "What came back from the agent was not an answer.",
    "network_failure": "The agent's server could not be reached or did not answer properly.",
    "platform_fault": "A fault of ours: not counted, not charged to any limit, tried again.",
}
NETWORK_REASONS = {
    "refused": "Nobody took the connection at the address of the agent's server.",
    "unresolved": "The host name in the URL has no address.",
    "forbidden_address": "The name leads to an address that is not public, or to several of which "
    "one is not.",
    "timeout": "The look-up, the connection and the answer together took longer than the move had.",
    "tls": "The certificate was not valid for the name in the URL, or TLS failed.",
    "redirect": "The server pointed to another address. That is never followed.",
    "status": "The server answered with another status than 200.",
    "too_large": "The headers or the body of the answer were larger than is taken.",
    "compressed": "The answer was compressed, or encoded in a way that was not asked for.",
    "not_http": "What came back was not HTTP, or could be read in two ways.",
    "broken": "The connection ended before the answer was whole.",
    "not_json": "The body of the answer was not plain JSON.",
    "no_action": "The answer held no action.",
    "agent_error": "The server itself reported that its agent raised an exception.",
}
CLOCKS = {
    Clock.CHARGED: "An agent pays for its own processor time and its own waiting, not for the "
    "machine's load.",
    Clock.WALL: "An agent pays for every second until it has answered, as on Kaggle.",
}
PONDERING = {
    False: "An agent is stopped while its opponent thinks.",
    True: "An agent may go on thinking while its opponent does.",
}
LEVELS = {
    "A": "Each agent plays in a box of its own: its own view of files, processes and network, "
    "limits, and a filter on system calls.",
    "B": "Without namespaces. Landlock, limits and a filter on system calls hold an agent; it can "
    "see that other files and processes exist, and has no folder to write in.",
    "C": "Limits on time and memory alone. An agent can read, change and reach over the network "
    "what the worker's user can.",
    "none": "Nothing holds an agent here, so none of a stranger is run.",
}
OVERLOADED = "The machine was overloaded while this was played."
TERMS = {
    "Competition": "One game with its rules, limits and dates; it has one ladder.",
    "Team": "Who submits together, under one daily limit and one limit of active submissions. "
    "Submissions of one team never meet.",
    "Submission": "One upload of a team. It never changes: a new version is a new submission.",
    "Entrant": "A submission that passed validation and stands on the ladder.",
    "House bot": "A built-in opponent. It is always on the ladder; one of them is fixed at 1000.",
    "Episode": "One play of the game from first to last move. Its record is the replay.",
    "Match": "Two episodes with the same random seed and the seats swapped, so that luck and the "
    "first move cancel out. The match is what counts.",
    "Seat": "A place in the game: seat 1 moves first.",
    "Rating": "Strength in Elo points, fitted from all rated episodes together: the order of play "
    "does not matter. A difference of 100 points means an expected score of 64 %.",
    "Interval": "Where the true strength lies with 95 % confidence. Two agents whose intervals "
    "overlap widely cannot be told apart yet.",
    "Rank interval": "The ranks that are still possible, such as 3–7.",
    "Level with": "The ranks that an entrant cannot be told apart from yet: the difference of the "
    "two ratings is less than 1.96 of its own standard errors.",
    "Settled": "An interval that is narrow enough for the competition; no more matches are sought "
    "for it, until a newcomer comes near.",
    "Final evaluation": "After the deadline the field is locked, with a hash over who is in it and "
    "what each has uploaded. All ratings begin anew, and the final ranking comes from these games "
    "alone; where an entrant stood before is its qualifying rank.",
    "Provisional": "Too few matches for a useful rating yet; listed below a dashed line.",
    "Quick rating": "A first step right after a match, until the joint fit replaces it; "
    "shown with a ≈ before the number.",
    "Move limit and bank": "Each move has a limit in seconds. What goes over it is taken from a "
    "bank of extra time; when the bank is empty, the agent loses.",
    "Charged time": "What the clock takes for a move: the processor time of all the agent's "
    "threads, or the time it took less its wait for a processor, whichever is more.",
    "Overloaded": "The agents of an episode waited for a processor for more than a fifth of the "
    "time, because the machine did too much at once. The episode says so.",
    "Isolation level": "How strangers' agents are held on this machine, from A, the strongest, to "
    "C. The status page says which one holds, as tried out by an attack of our own.",
    "Our fault": "A worker that stopped, a full disk, a bug of ours. Such an attempt is never "
    "scored, never charged to a limit, and tried again up to three times.",
}


BOX_DETAILS = {
    "bwrap": "bubblewrap",
    "bwrap_version": "bubblewrap",
    "landlock_abi": "Landlock ABI",
    "uid": "user id",
    "seconds": "attack in seconds",
    "load_seconds": "loaded in seconds",
}


DAY_UNITS = ((86400, "day"), (3600, "h"), (60, "min"))
UNITS = ((86400 * 365, "year"), (86400 * 30, "month"), *DAY_UNITS)
QUEUES = {
    broker.FIRST_QUEUE: "first submissions",
    broker.VALIDATION_QUEUE: "validations",
    broker.RATED_QUEUE: "rated matches",
    "league": "the league's own tasks",
    "training": "training runs",
}
CONTROLS = {
    "pause": "The competition is paused: no further match of it is sent out",
    "resume": "The competition goes on",
    "halt": "Everything is stopped: no match is sent out",
    "lift": "The league goes on: what has waited is sent out within seconds",
}
ALERTS = {
    "match_given_up": "Its page names the fault of each attempt. When that is mended, run it again "
    "in the admin.",
    "validation_put_off": "Its page names the fault; it is tried again by itself once that is "
    "mended.",
    "disk_nearly_full": "Make room on the disk, or lower the budgets of replays and logs. Matches "
    "go on by themselves.",
    "counts_differ": "The ladder is being counted again from the log, which alone is the truth. If "
    "this comes back, keep a backup and report it.",
    "lock_waits": "Look below for what stands too long, and why. What a fault of ours holds up "
    "goes on by itself once that is mended; a submission that never gets through can be "
    "disqualified.",
    "no_worker": "Start one on this machine or on another that reaches Redis. What waits is played "
    "then; nothing is lost.",
    "no_box": "The command above mends it. House bots and agents behind URLs play on meanwhile.",
    "standstill": "The table below names each and why it stands.",
    "competition_fails": "Pairing, rating or locking it raised an error of ours, which the log of "
    "the league worker has in full. The other competitions go on.",
    "match_put_back": "No worker that is there can play it: start one that boxes agents and runs "
    "the league's code.",
    "missed_final": "Move the end of the competition to a later date in the admin.",
    "training_silent": "`make run` keeps one; end the process `bridge-worker`, and it is started "
    "anew. Training runs wait, nothing is lost.",
    "training_trouble": "Its page says what is wrong; it is tried again by itself. Credentials "
    "that are no longer taken must be renewed.",
    "training_failed": "Its page says why and has its log. Trying again goes on from the last "
    "checkpoint.",
    "unplayable": "They are left out for an hour and then tried again. Their pages name the fault.",
}
BEYOND_CHANCE = (
    "More than chance: the two suit each other better or worse than one number for each can say."
)


def span_words(span: timedelta) -> str:
    """The largest unit only: "3 min", "2 days"."""
    seconds = abs(span.total_seconds())
    for size, name in UNITS:
        if seconds >= size:
            count = int(seconds // size)
            plural = "s" if count > 1 and size >= 86400 else ""
            return f"{count} {name}{plural}"
    return f"{int(seconds)} s"


def precise_span(span: timedelta) -> str:
    """The largest unit and the one below it: "3 h 12 min"."""
    seconds = int(span.total_seconds())
    sizes = [*DAY_UNITS, (1, "s")]
    place = next((i for i, (size, _) in enumerate(sizes) if seconds >= size), len(sizes) - 1)
    parts: list[str] = []
    for size, name in sizes[place : place + 2]:
        count, seconds = divmod(seconds, size)
        if count or not parts:
            parts.append(f"{count} {name}{'s' if count > 1 and size == 86400 else ''}")
    return " ".join(parts)


def how_estimated(outlook: Outlook) -> str:
    """Where "settles in about N matches, T minutes" comes from."""
    matches = (
        f"Matches: from the error now to the {outlook.se_limit:.0f} Elo at which a rating counts "
        "as settled, or less for one that is near the last rank with a prize."
    )
    if outlook.minutes is None:
        return f"{matches} No time is named, because no matches are being played here at present."
    return (
        f"{matches} Time: from the {outlook.pace.matches} matches of this ladder in the last "
        f"{max(outlook.pace.minutes, 1):.0f} min, of which it played {outlook.pace.own}."
    )


def seat_advantage(elo: float, se: float) -> str:
    """What the measured advantage of the first seat means, with its 95 % interval."""
    low, high = round(elo - 1.96 * se), round(elo + 1.96 * se)
    if low <= 0 <= high:
        sentence = f"No seat has shown an advantage: moving first is worth {low} to {high:+} Elo"
    elif elo > 0:
        sentence = f"Moving first is worth {elo:.0f} Elo ({low} to {high})"
    else:
        sentence = f"Moving second is worth {-elo:.0f} Elo ({-high} to {-low})"
    return sentence.replace("-", "−") + "; each match is played from both seats."


def verdict_word(code: str) -> str:
    return code.replace("_", " ")


def verdict_sentence(code: str, reason: str) -> str:
    """What happened; empty for a code that this release does not know."""
    return NETWORK_REASONS.get(reason) or VERDICTS.get(code, "")


def verdict_rows() -> list[tuple[str, str, str]]:
    """Code, what happened, what to do: in the order of the engine's vocabulary.

    The reasons of a network failure follow, each under both names.
    """
    rows = [(code, VERDICTS[code], advice) for code, advice in ADVICE.items()]
    return rows + [
        (f"network_failure_{reason}", NETWORK_REASONS[reason], advice)
        for reason, advice in NETWORK_ADVICE.items()
    ]
