"""The line that everybody waits for, and the one below it where agents cannot be boxed."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from evaluation import broker
from evaluation.version import code_version
from league.run import announcer

WORKER = {
    "version": code_version(), "concurrency": 1, "level": "none", "has_box": False, "checks": {},
    "reason": "This machine forbids user namespaces.", "remedy": "sudo sysctl -w a.b=0",
}  # fmt: skip


class Site(BaseHTTPRequestHandler):
    """Says of itself what a league behind a name and TLS would: ready, to that name only."""

    def do_GET(self) -> None:
        asked = self.path, self.headers["Host"], self.headers["X-Forwarded-Proto"]
        is_ready = asked == ("/readyz", "league.example.org", "https")
        self.send_response(200 if is_ready else 503)
        self.end_headers()
        self.wfile.write(b'{"redis": "ok", "workers": "down", "sandbox": "down"}')

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port():
    server = HTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_box_that_holds_needs_no_hint(redis_server):
    report = WORKER | {"level": "A", "has_box": True, "reason": "", "remedy": ""}
    broker.report_worker(redis_server.client(), "w", report)
    assert announcer.box_hint() == ""


def test_box_that_does_not_hold_is_told_with_the_command(redis_server):
    broker.report_worker(redis_server.client(), "w", WORKER)
    reason, command = announcer.box_hint().splitlines()
    assert "This machine forbids user namespaces." in reason
    assert command.strip() == "sudo sysctl -w a.b=0"


def test_box_that_nothing_mends_is_told_in_one_line(redis_server):
    broker.report_worker(redis_server.client(), "w", WORKER | {"remedy": ""})
    assert announcer.box_hint().endswith("This machine forbids user namespaces.")


@pytest.mark.parametrize(
    ("level", "word"), [("A", ""), ("B", "Without namespaces"), ("C", "alone")]
)
def test_a_weaker_level_is_told_at_the_start(settings, level, word):
    settings.SANDBOX_MINIMUM = level
    hint = announcer.weak_box_hint()
    assert word in hint
    assert (f"SANDBOX_MINIMUM is {level}" in hint) == bool(word)


def test_site_is_asked_by_its_own_name_and_without_a_proxy(port, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert announcer.not_ready("127.0.0.1", port, "https://league.example.org") == []


def test_what_does_not_answer_is_named_but_for_the_sandbox(port):
    assert announcer.not_ready("127.0.0.1", port, "http://127.0.0.1") == ["workers"]
    assert announcer.not_ready("127.0.0.1", 9, "http://127.0.0.1") == ["web"]


def test_line_names_the_password_file_while_it_is_there(tmp_path):
    site = "https://league.example.org"
    assert announcer.ready_line(site, tmp_path) == f"Ready: {site}/"
    (tmp_path / "admin-password").touch()
    hint = f"  (admin: admin, password in {tmp_path}/admin-password)"
    assert announcer.ready_line(site, tmp_path) == f"Ready: {site}/{hint}"
