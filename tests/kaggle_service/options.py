"""What the service does where nobody knows what Kaggle does, and its limits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal


def _next_week() -> datetime:
    """Saturday midnight, UTC."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=(5 - today.weekday()) % 7 or 7)


@dataclass
class Options:
    """May be changed at any time; what is asked next follows. Times are in seconds.

    layout: where inputs lie, `classic` input/SLUG/, `owner` input/datasets/OWNER/SLUG/.
    Of a session: queue_s before it runs; session_limit_s caps what a push asks for; with
    term_grace_s a session that is out of time gets SIGTERM that long before SIGKILL.
    slot_lag_s: for so long a finished session counts as one at once.
    honours_label: False answers for the latest version whatever label is asked for.
    pins_datasets: False mounts the latest version that is ready, whatever version is named.
    counts_version_when: a dataset's version number moves when it is `created` or `ready`.
    ref_prefix: what stands before OWNER/SLUG in the answer to a push.
    """

    layout: Literal["classic", "owner"] = "classic"
    queue_s: float = 0.0
    session_limit_s: float = 12 * 3600.0
    term_grace_s: float | None = None
    timeout_status: Literal["ERROR", "CANCEL_ACKNOWLEDGED"] = "ERROR"
    keeps_output_of_timeout: bool = True
    keeps_output_of_error: bool = True
    shows_log_while_running: bool = False
    shows_output_while_running: bool = False
    exit_cell_is_error: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    sessions_at_once: dict[str, int] = field(default_factory=lambda: {"cpu": 5, "gpu": 2, "tpu": 1})
    slot_lag_s: float = 0.0
    quota_s: dict[str, float] = field(
        default_factory=lambda: {"gpu": 30 * 3600.0, "tpu": 20 * 3600.0}
    )
    tells_quota: bool = True
    quota_resets_at: datetime = field(default_factory=_next_week)

    honours_label: bool = True
    ref_prefix: str = ""
    camel_case_status: bool = False
    page_size: int = 20
    largest_page: int = 500
    longest_title: int = 50
    largest_source: int = 1_000_000

    dataset_delay_s: float = 0.0
    counts_version_when: Literal["created", "ready"] = "created"
    pins_datasets: bool = True
    unpacks_archives: bool = True

    unknown_token_status: Literal[200, 400, 401, 403] = 200
