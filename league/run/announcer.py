"""Waits until the site serves, then says so: the one line that everybody waits for."""

import http.client
import json
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

from league import live, words
from league.run import paths
from league.run.terminal import say, warn

POLL_S = 0.2
SLOW_S = 60.0
LOOPBACK = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}


def announce(host: str, port: int, site_url: str, data_dir: Path) -> None:
    """In a thread of its own, which ends with the process."""
    arguments = (LOOPBACK.get(host, host), port, site_url, data_dir)
    threading.Thread(target=_wait_and_say, args=arguments, daemon=True).start()


def _wait_and_say(host: str, port: int, site_url: str, data_dir: Path) -> None:
    started = time.monotonic()
    is_told = False
    while (missing := not_ready(host, port, site_url)) != []:
        if time.monotonic() - started > SLOW_S and not is_told:
            is_told = True
            logs = paths.shown(paths.log_dir(data_dir))
            warn(f"Not ready after {SLOW_S:.0f} s: {', '.join(missing)}. The logs are in {logs}/.")
        time.sleep(POLL_S)
    say(ready_line(site_url, data_dir))
    for hint in filter(None, (box_hint(), weak_box_hint())):
        say(hint)


def not_ready(host: str, port: int, site_url: str) -> list[str]:
    """What does not answer yet. Asked directly, whatever proxies the environment names."""
    site = urlsplit(site_url)
    connection = http.client.HTTPConnection(host, port, timeout=5)
    headers = {"Host": site.netloc, "X-Forwarded-Proto": site.scheme}
    try:
        connection.request("GET", "/readyz", headers=headers)
        response = connection.getresponse()
        answer = json.loads(response.read())
    except (OSError, http.client.HTTPException, ValueError):
        return ["web"]
    finally:
        connection.close()
    if response.status == 200:
        return []
    return sorted(name for name, state in answer.items() if state == "down" and name != "sandbox")


def ready_line(site_url: str, data_dir: Path) -> str:
    password = data_dir / "admin-password"
    hint = f"  (admin: admin, password in {paths.shown(password)})" if password.exists() else ""
    return f"Ready: {site_url}/{hint}"


def box_hint() -> str:
    """What mends the box where strangers' agents cannot be boxed on this machine."""
    box = live.box()
    if box.is_ready:
        return ""
    hint = f"Uploaded agents wait, since they cannot be boxed here: {box.reason}"
    return f"{hint} This mends it:\n    {box.remedy}" if box.remedy else hint


def weak_box_hint() -> str:
    """What somebody who starts the league should know who has named a weaker level."""
    level = live.minimum()
    if level == "A":
        return ""
    return f"SANDBOX_MINIMUM is {level}: uploaded agents may play so. {words.LEVELS[level]}"
