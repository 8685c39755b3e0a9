"""ConnectX: drop checkers, join so many in a row."""
