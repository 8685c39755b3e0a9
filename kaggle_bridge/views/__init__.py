"""The pages of training: what runs and has run, one run, starting one, deeds upon it."""
