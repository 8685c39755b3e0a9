"""What trackers measure of a population, and how they notice that it changed."""
