"""What boxed agents may import: named sets of pinned packages, each installed on first use."""

from evaluation.packages.install import python_of
from evaluation.packages.overview import default_data_dir, overview
from evaluation.packages.sets import (
    DEFAULT,
    PackagesError,
    PackageSet,
    available,
    find,
    problems,
)

__all__ = [
    "DEFAULT",
    "PackageSet",
    "PackagesError",
    "available",
    "default_data_dir",
    "find",
    "overview",
    "problems",
    "python_of",
]
