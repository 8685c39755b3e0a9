"""What a run that is about to be started will do, in two sentences, before the button."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from kaggle_bridge import spread
from kaggle_bridge.forms import StartForm
from kaggle_bridge.models import Accelerator, Account, Backend, Enter
from league.words import precise_span


def outlook(form: StartForm) -> list[str]:
    return [_checkpoints(form), _sessions(form)]


def _checkpoints(form: StartForm) -> str:
    total, interval = form.chosen("total_steps"), form.chosen("config.save_interval")
    count = max(-(-total // interval), 1)
    saved = f"It makes {total:,} steps and leaves {_count(count, 'checkpoint')}"
    title = form.competition_title()
    if title is None:
        return f"{saved}, none of which enters a competition."
    entering = {
        Enter.EVERY: _every(len(spread.thresholds(total, interval)), count),
        Enter.BEST: "whichever does best in the arena enters",
        Enter.LAST: "the last one enters",
    }[Enter(form.chosen("enter"))]
    return f"{saved}: {entering} {title}, as a submission of the run's own team."


def _every(entered: int, count: int) -> str:
    if entered == 1:
        return "it enters"
    return f"{entered} of them, evenly spread, enter" if entered < count else "each of them enters"


def _sessions(form: StartForm) -> str:
    minutes = form.chosen("session_minutes") or 60 * settings.TRAINING_SESSION_HOURS
    most = form.chosen("max_sessions")
    length = precise_span(timedelta(minutes=minutes))
    takes = f"in at most {_count(most, 'session')} of {length}"
    if form.chosen("backend") == Backend.LOCAL:
        return f"It runs on this machine, beside the matches, {takes}."
    accelerator = form.chosen("accelerator")
    if accelerator == Accelerator.CPU:
        return f"It runs on Kaggle, {takes}, and takes nothing of the hours of GPU and TPU there."
    label, cost = Accelerator(accelerator).label, precise_span(timedelta(minutes=minutes * most))
    return f"It runs on Kaggle, {takes}: {cost} of {label} at most{_left(accelerator)}."


def _left(accelerator: str) -> str:
    """What the account has left, as far as it is known."""
    account = Account.objects.filter(backend=Backend.KAGGLE).first()
    quota = account.quota.get(accelerator) if account else None
    if not quota:
        return ""
    left = timedelta(seconds=max(quota["total_s"] - quota["used_s"], 0))
    return f", of which {precise_span(left)} are left {_until(quota.get('resets_at'))}"


def _until(resets_at: str | None) -> str:
    ahead = datetime.fromisoformat(resets_at) - timezone.now() if resets_at else timedelta(0)
    return f"for the next {precise_span(ahead)}" if ahead > timedelta(0) else "this week"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
