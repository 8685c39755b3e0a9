"""Rock, paper, scissors: many rounds, the opponent's last sign in sight."""
