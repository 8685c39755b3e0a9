"""The ladder's figures: what production code does in simulated leagues whose truth is known."""
