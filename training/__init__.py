"""Training: JAX runs that leave checkpoints."""
