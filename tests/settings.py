"""The site's settings on a data folder and a Redis of this test process's own.

The database is an SQLite file of its own too, unless TEST_DATABASE_URL names a server.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

FOLDER = Path(tempfile.mkdtemp(prefix="palaestra-test-"))
(FOLDER / "static").mkdir()
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
for _name in (
    "DATABASE_URL",
    "REDIS_URL",
    "SECRET_KEY",
    "SITE_URL",
    "SIGNUP",
    "SANDBOX_MINIMUM",
    "DEBUG",
):
    os.environ.pop(_name, None)
if "TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
os.environ["DATA_DIR"] = str(FOLDER)
# Playwright keeps an event loop in this process, which Django would take for an async caller.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

from league.settings import *  # noqa: E402, F403
from league.settings import STORAGES  # noqa: E402

# Pages name their files unhashed, so that no test needs collectstatic first.
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
