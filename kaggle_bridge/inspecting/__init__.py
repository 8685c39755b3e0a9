"""What a session has left, looked through by a child process that has nothing to lose."""
