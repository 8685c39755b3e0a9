"""Kaggle's official client, a child process a call: `__main__` is that child, and alone has it."""
