"""Identity: every action is added to its agent's reward."""
