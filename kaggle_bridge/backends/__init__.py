"""Places that run kernels: Kaggle, and this machine in its stead."""
