"""`python -m tests.kaggle_service --port N`: to try things by hand."""

import argparse
import signal
import tempfile
import threading
from pathlib import Path

from tests.kaggle_service.accounts import Account
from tests.kaggle_service.journal import Entry
from tests.kaggle_service.service import KaggleService


def _show(entry: Entry) -> None:
    what = f"{entry.call or entry.path} {entry.json}"
    print(f"{entry.status} {entry.account or '-'} ({entry.credential}) {what}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.kaggle_service")
    parser.add_argument("--port", type=int, default=0, help="0 takes any that is free")
    parser.add_argument("--layout", choices=("classic", "owner"), default="classic")
    parser.add_argument("--dataset-delay", type=float, default=2.0, metavar="SECONDS")
    parser.add_argument("--queue", type=float, default=2.0, metavar="SECONDS")
    arguments = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory() as folder:
        service = KaggleService(
            Path(folder), {"alice": Account(key="alice-key", token="alice-token")},
            port=arguments.port, layout=arguments.layout,
            dataset_delay_s=arguments.dataset_delay, queue_s=arguments.queue,
        )  # fmt: skip
        service.journal.listener = _show
        with service:
            print(*(f"export {k}={v}" for k, v in service.environ().items()), sep="\n", flush=True)
            stop.wait()


if __name__ == "__main__":
    main()
