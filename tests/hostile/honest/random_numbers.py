# Needs: numbers that no other clone draws. Must come out: plays.
import random
import secrets
import uuid

try:
    import numpy
except ImportError:
    numpy = None

at_import = random.random()


def agent(observation):
    drawn = [at_import, random.random(), random.Random().random(), secrets.randbelow(2**53)]
    if numpy:
        drawn += [numpy.random.random(), numpy.random.default_rng().random()]
    return [*drawn, uuid.uuid4().hex]
