"""The device that a run asks for, and those there are."""

import jax

from training.errors import Refused


def choose(wanted: str) -> None:
    """Makes JAX compute on this kind of device ("any": its own choice); raises Refused.

    Must come before anything that JAX computes.
    """
    if wanted == "any":
        return
    if wanted == "cpu":
        jax.config.update("jax_platforms", "cpu")
    try:
        jax.config.update("jax_default_device", jax.devices(wanted)[0])
    except RuntimeError:
        raise Refused(
            f"There is no {wanted} here (JAX finds {describe()}): "
            "--set device=any takes what there is."
        ) from None


def describe() -> str:
    """For people: each kind of device and how many there are of it."""
    kinds = [device.device_kind for device in jax.devices()]
    return ", ".join(f"{kinds.count(kind)} x {kind}" for kind in dict.fromkeys(kinds))
