"""Every setting of the site; what an organiser may change is in docs/settings.md."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from evaluation.broker import broker_url
from league.env import (
    bracketed,
    env_bool,
    env_choice,
    env_int,
    env_list,
    env_networks,
    env_secret,
    env_site_url,
    env_str,
    env_url,
    generated_secret,
)
from league.run.paths import private_redis_url

BASE_DIR = Path(__file__).resolve().parent.parent
DATA_DIR = Path(env_str("DATA_DIR", str(BASE_DIR / "var"))).absolute()

HOST = env_str("HOST", "127.0.0.1")
PORT = env_int("PORT", 8000, 1, 65535)
SITE_URL = env_site_url("SITE_URL", f"http://{bracketed(HOST)}:{PORT}")
SITE_HOST = urlsplit(SITE_URL).hostname or HOST
IS_HTTPS = SITE_URL.startswith("https://")

DEBUG = env_bool("DEBUG")
SECRET_KEY = env_secret("SECRET_KEY") or generated_secret(DATA_DIR / "secret-key")
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or sorted(
    {"127.0.0.1", "localhost", "[::1]", *(bracketed(host) for host in (HOST, SITE_HOST))}
)
CSRF_TRUSTED_ORIGINS = [SITE_URL]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "allauth",
    "allauth.account",
    "ninja",
    "league",
    "kaggle_bridge",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "league.middleware.UploadLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "league.middleware.LeagueErrorMiddleware",
]

ROOT_URLCONF = "league.urls"
WSGI_APPLICATION = "league.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "league" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "league.context.site",
            ],
        },
    },
]

# Database: SQLite serves a league of one machine; immediate transactions queue writers up instead
# of failing half-way with "database is locked".
DATABASE_URL = env_url("DATABASE_URL", "", ("sqlite", "postgres", "postgresql"))
DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(DATABASE_URL, conn_max_age=600, conn_health_checks=True)
    if DATABASE_URL
    # Not through a URL: the path of DATA_DIR may hold any character.
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "league.sqlite3"}
}
if DATABASES["default"]["NAME"] in {"", ":memory:"}:
    raise ImproperlyConfigured("DATABASE_URL must name a database at its end.")
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
        "PRAGMA cache_size=-32000; PRAGMA temp_store=MEMORY;",
    }
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
    # A file, not memory: tests share it with real worker processes.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Redis: broker, cache and the leases of running matches.
REDIS_URL = env_url("REDIS_URL", private_redis_url(DATA_DIR), ("redis", "rediss", "unix"))
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "league"
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False  # or whoever has Redis may command the workers
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A message is gone when its task has ended: what a killed worker held is delivered again.
CELERY_TASK_ACKS_LATE = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 30,
    "socket_connect_timeout": 2,
    "visibility_timeout": 60,
    # Of its own: matches in the hands of an evaluation worker take longer.
    "unacked_key": "league-unacked",
    "unacked_index_key": "league-unacked-index",
    "unacked_mutex_key": "league-unacked-mutex",
}
CELERY_BEAT_SCHEDULE = {
    "pair": {"task": "league.pair_competitions", "schedule": 2, "options": {"expires": 10}},
    "refit": {"task": "league.refit_competitions", "schedule": 3, "options": {"expires": 10}},
    "sweep": {"task": "league.sweep", "schedule": 5, "options": {"expires": 15}},
    "watch": {"task": "league.watch", "schedule": 15, "options": {"expires": 30}},
    "tidy": {"task": "league.tidy", "schedule": 600, "options": {"expires": 300}},
    "train": {
        "task": "kaggle_bridge.look",
        "schedule": 2,
        "options": {"queue": "training", "expires": 6},
    },
    "train-tidy": {
        "task": "kaggle_bridge.tidy",
        "schedule": 3600,
        "options": {"queue": "training", "expires": 1800},
    },
}
CACHES = {
    "default": {
        "BACKEND": "league.cache.SignedRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "palaestra",
        "OPTIONS": {
            "serializer": "league.cache.TextSerializer",
            "socket_timeout": 2,
            "socket_connect_timeout": 2,
        },
    }
}

# Accounts
SIGNUP = env_choice("SIGNUP", "open", ("open", "invite", "closed"))
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "league.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_USERNAME_BLACKLIST = ["house"]  # whose bots are on every ladder
ACCOUNT_EMAIL_VERIFICATION = "optional"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"

EMAIL_URL = env_url("EMAIL_URL", "console://", ("console", "smtp", "smtp+tls", "smtp+ssl"))
_email = urlsplit(EMAIL_URL)
EMAIL_BACKEND = (
    "django.core.mail.backends.console.EmailBackend"
    if _email.scheme == "console"
    else "django.core.mail.backends.smtp.EmailBackend"
)
EMAIL_HOST, EMAIL_PORT = _email.hostname or "localhost", _email.port or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = (
    unquote(_email.username or ""),
    unquote(_email.password or ""),
)
EMAIL_USE_TLS, EMAIL_USE_SSL = _email.scheme == "smtp+tls", _email.scheme == "smtp+ssl"
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = f"palaestra@{SITE_HOST}"

# Browser side
STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "league.finders.GameFinder",
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "league.finders.ModuleStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = False
MEDIA_ROOT = DATA_DIR / "media"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-src": [SELF],
        "frame-ancestors": [SELF],
    }
}
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = IS_HTTPS
# What a load balancer asks from inside.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if IS_HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SESSION_ENGINE = "league.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# Uploads
MAX_UPLOAD_BYTES = 20 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_UPLOAD_BYTES + 64 * 1024
FILE_UPLOAD_PERMISSIONS = 0o600

# Matches
EVALUATION_CONCURRENCY = env_int("EVALUATION_CONCURRENCY", 0, 0, 1024)
SANDBOX_MINIMUM = env_choice("SANDBOX_MINIMUM", "A", ("A", "B", "C"))
URL_AGENT_ALLOW_PRIVATE = env_networks("URL_AGENT_ALLOW_PRIVATE")
SIGNING_KEY_PATH = DATA_DIR / "signing.key"  # where the workers have it, too
MAX_PLATFORM_FAULTS = 3
# The disk; 0 for no budget
REPLAY_BUDGET_GB = env_int("REPLAY_BUDGET_GB", 20, 0, 1_000_000)
LOG_BUDGET_GB = env_int("LOG_BUDGET_GB", 5, 0, 1_000_000)
DISK_RESERVE_MB = env_int("DISK_RESERVE_MB", 1024, 0, 1_000_000)
REPLAY_MAX_BYTES = 8 * 1024 * 1024
REPLAY_MAX_UNPACKED_BYTES = 64 * 1024 * 1024

# Training. A session's length, and what a week has where the service does not say it, in hours
TRAINING_CALLS_PER_MINUTE = env_int("TRAINING_CALLS_PER_MINUTE", 20, 1, 600)
TRAINING_POLL_SECONDS = env_int("TRAINING_POLL_SECONDS", 30, 1, 3600)
TRAINING_SESSION_HOURS = env_int("TRAINING_SESSION_HOURS", 9, 1, 24)
TRAINING_GPU_HOURS = env_int("TRAINING_GPU_HOURS", 30, 0, 1000)
TRAINING_TPU_HOURS = env_int("TRAINING_TPU_HOURS", 20, 0, 1000)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        # 503 is what /readyz answers while the league starts: a state, not an error.
        "no_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 0) != 503,
        }
    },
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
    "loggers": {
        "django.request": {"level": "ERROR", "filters": ["no_503"]},
        "celery": {"level": "WARNING"},  # or every tick of the scheduler makes six lines
    },
}
SILENCED_SYSTEM_CHECKS = [
    "security.W005",  # the other names of a host are its owner's business,
    "security.W021",  # and so is the browsers' preload list
    "security.W019",  # our own pages frame replays; other sites may frame /embed/ only
]
if not IS_HTTPS:
    # On plain http (a laptop, a lab behind a proxy) these four cannot be had.
    SILENCED_SYSTEM_CHECKS += [f"security.W{number}" for number in ("004", "008", "012", "016")]
