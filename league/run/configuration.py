"""Writes what supervisord and the launcher read: no secret and no TCP port is in it.

Every path is relative to DATA_DIR, since supervisord stumbles over `%`, `;` and `#` in a path.
"""

import json
import os
from pathlib import Path

from league.run import launcher, paths
from league.run.processes import Process, supervisor

HEAD = """\
; Written at every start: changes here are lost.
[supervisord]
nodaemon = true
logfile = log/supervisord.log
logfile_maxbytes = 1MB
logfile_backups = 2
pidfile = run/supervisord.pid
childlogdir = log
umask = 022
"""
RUN_AS_ROOT = "user = root\n"
PROGRAM = """
[program:{name}]
priority = {priority}
command = python -I -S run/launcher.py {name}
; The launcher spaces out the starts of what crashes; nothing is ever given up.
autorestart = true
startsecs = 0
startretries = 1000000
stopwaitsecs = {stop_wait_s}
killasgroup = true
umask = 022
redirect_stderr = true
stdout_logfile = log/{name}.log
stdout_logfile_maxbytes = 10MB
stdout_logfile_backups = 3
"""
# One group stops at the same time; Redis, outside of it, starts first and ends last.
GROUP = """
[group:site]
programs = {names}
priority = 900
"""


def write(data_dir: Path, redis: Process | None, site: list[Process]) -> Path:
    """Returns the path of supervisord's configuration."""
    run_dir = paths.run_dir(data_dir)
    config = run_dir / "supervisord.conf"
    processes = [*([redis] if redis else []), *site]
    plans = {process.name: process.to_json() for process in [supervisor(data_dir), *processes]}
    (run_dir / "processes.json").write_text(json.dumps(plans, indent=1), encoding="utf-8")
    text = HEAD + (RUN_AS_ROOT if os.getuid() == 0 else "")
    text += "".join(PROGRAM.format(**process.to_json()) for process in processes)
    text += GROUP.format(names=",".join(process.name for process in site))
    config.write_text(text, encoding="utf-8")
    link = run_dir / "launcher.py"
    link.unlink(missing_ok=True)
    link.symlink_to(launcher.__file__)
    return config
