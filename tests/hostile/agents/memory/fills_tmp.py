# Tries: to fill the disk with bytes and with empty files. Must come out: plays, action 0.
import os


def written_bytes():
    total = 0
    try:
        for number in range(8):
            with open(f"/tmp/big{number}", "wb", buffering=0) as file:
                while True:
                    total += file.write(bytes(1 << 20))
    except OSError:
        pass
    for name in os.listdir("/tmp"):
        os.unlink(f"/tmp/{name}")
    return total


def created_files():
    try:
        for number in range(100_000):
            os.close(os.open(f"/tmp/{number}", os.O_CREAT))
    except OSError:
        return number
    return 100_000


def agent(observation):
    return int(written_bytes() > observation.file_bytes or created_files() > 1024)
