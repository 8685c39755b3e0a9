# Tries: to fetch a page, and does not mind to fail. Must come out: exception.
import urllib.request


def agent(observation):
    return urllib.request.urlopen(f"http://127.0.0.1:{observation.tcp}/").read().decode()
