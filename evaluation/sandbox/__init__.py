"""The box: each stranger's agent plays in an isolated process of its own."""
