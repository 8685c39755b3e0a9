# Tries: to smuggle NUL, half characters and codes into logs. Must come out: plays, action 0.
import os
import sys


def agent(observation):
    for number in (1, 2):
        os.write(number, b"\0\x1b[2J\x1b]0;owned\x07\xff\xfe\xed\xa0\x80\xc3\r\x08</pre><script>")
        os.write(number, "\u202e\ufeff\u2028".encode())
    print("\udcff\ud800\0")
    sys.stderr.buffer.write(b"\xed\xb3\xbf\xf4\x90\x80\x80")
    return 0
