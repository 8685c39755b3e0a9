# Tries: programs by spawn, system, popen and exec. Must come out: plays, action 0.
import os
import subprocess
import sys

PROGRAM = sys.executable or "/usr/bin/python3"


def spawn():
    os.posix_spawn(PROGRAM, [PROGRAM, "-c", "1"], {})


def spawn_search():
    os.posix_spawnp("python3", ["python3", "-c", "1"], {})


def run():
    subprocess.run([PROGRAM, "-c", "1"], check=True)


def shell():
    subprocess.run("true", shell=True, check=True)


def system():
    if os.system("true") != 0:
        raise OSError


def read():
    with os.popen("true") as pipe:
        if pipe.close() is not None:
            raise OSError


def execute():
    os.execv(PROGRAM, [PROGRAM, "-c", "1"])


def execute_open_file():
    os.execve(os.open(PROGRAM, os.O_RDONLY), [PROGRAM], {})


def agent(observation):
    done = 0
    for way in (spawn, spawn_search, run, shell, system, read, execute, execute_open_file):
        try:
            way()
            done += 1
        except (OSError, subprocess.SubprocessError):
            pass
    return done
