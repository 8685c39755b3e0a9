"""The bridge to Kaggle: runs, sessions and the checkpoints they bring."""
