"""A local server that speaks the protocol of Kaggle's client and really runs pushed kernels."""

from tests.kaggle_service.accounts import Account
from tests.kaggle_service.options import Options
from tests.kaggle_service.service import KaggleService

__all__ = ["Account", "KaggleService", "Options"]
