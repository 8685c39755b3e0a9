"""Training runs: started by an admin, trained here or on Kaggle, their checkpoints entered."""
