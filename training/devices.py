"""The device that a run asks for, and those there are."""

import contextlib
import os

import jax

from training.errors import Refused


def choose(wanted: str) -> None:
    """Makes JAX compute on this kind of device ("any": its own choice); raises Refused.

    An accelerator is JAX's own choice where there is one. Each core of a processor is a device,
    unless JAX has computed in this process already.
    """
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    if wanted == "any":
        return
    if wanted == "cpu":
        jax.config.update("jax_platforms", "cpu")
    try:
        jax.devices(wanted)
    except RuntimeError:
        raise Refused(
            f"There is no {wanted} here (JAX finds {describe()}): "
            "--set device=any takes what there is."
        ) from None


def describe() -> str:
    """For people: each kind of device and how many there are of it."""
    kinds = [device.device_kind for device in jax.devices()]
    return ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
