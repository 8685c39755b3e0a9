"""`python -m league.run`: the whole league in the foreground, until a signal ends it."""

import os
import sys
from pathlib import Path

import django
from django.core.exceptions import ImproperlyConfigured

from league.env import bracketed, env_secret, env_str
from league.run import configuration, foreground, paths, preflight, processes
from league.run.errors import StartError
from league.run.supervision import Supervision


def main() -> None:
    try:
        start()
    except (StartError, ImproperlyConfigured) as error:
        sys.exit(f"Palaestra cannot start. {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def start() -> None:
    data_dir = Path(env_str("DATA_DIR", str(paths.PROJECT / "var"))).absolute()
    preflight.prepare_data_dir(data_dir)
    lock = preflight.lock(data_dir)
    has_private_redis = settle_environment(data_dir)
    django.setup()
    # Both import the models, which exist from here on only.
    from django.conf import settings

    from league.run import announcer, steps

    preflight.check_port(settings.HOST, settings.PORT)
    if has_private_redis:
        preflight.end_stale_redis(data_dir)
        (data_dir / "redis").mkdir(exist_ok=True)
    else:
        steps.check_redis()
    steps.prepare()
    redis = processes.private_redis(data_dir) if has_private_redis else None
    bind = f"{bracketed(settings.HOST)}:{settings.PORT}"
    site = processes.site_processes(bind, data_dir)
    configuration.write(data_dir, redis, site)
    announcer.announce(settings.HOST, settings.PORT, settings.SITE_URL, data_dir)
    foreground.end_with_make()
    Supervision(data_dir, dict(os.environ), lock).run()


def settle_environment(data_dir: Path) -> bool:
    """Fixes what the processes must agree upon; returns whether Redis is a private one."""
    given = env_secret("REDIS_URL")
    os.environ.pop("REDIS_URL_FILE", None)
    os.environ["DATA_DIR"] = str(data_dir)
    os.environ["REDIS_URL"] = given or paths.private_redis_url(data_dir)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    return not given


if __name__ == "__main__":
    main()
