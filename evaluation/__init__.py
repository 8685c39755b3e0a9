"""The episode engine, under the names of kaggle-environments. Knows no Django and no JAX."""

from evaluation import errors, utils
from evaluation.agent import Actor, Agent
from evaluation.engine import Environment, evaluate, make
from evaluation.registry import environments, register

__all__ = [
    "Actor",
    "Agent",
    "Environment",
    "environments",
    "errors",
    "evaluate",
    "make",
    "register",
    "utils",
]
