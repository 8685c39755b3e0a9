"""What training is measured by: speeds, and strength as a perfect player judges it."""
