"""From the click that disqualifies to the new table, with 100,000 episodes behind the ladder."""

from benchmarks.measure import Row
from benchmarks.site import Site

WANTED_S = 60
PLAYED = """
import time
from django.contrib.auth import get_user_model
from league import submissions
from league.models import *
ladder = lambda: Ladder.objects.get(competition__slug="crowd")
worst = Entrant.objects.filter(competition__slug="crowd").order_by("rating__elo").first()
admin = get_user_model().objects.get(username="admin")
episodes, began = ladder().episodes, time.monotonic()
submissions.disqualify(worst.submission, admin, "a benchmark")
while ladder().is_rebuild_due or not ladder().is_fitted:
    time.sleep(0.05)
assert ladder().episodes < episodes
print(time.monotonic() - began, episodes)
"""


def disqualify_and_rebuild(site: Site) -> list[Row]:
    """On the crowd that `crowded_leaderboard` has made, by the league's own worker."""
    site.manage("recompute", "crowd")
    took, episodes = site.manage("shell", "-v", "0", "-c", PLAYED).split()
    return [
        Row(
            f"from disqualifying to the new table, {int(episodes):,} episodes",
            f"{float(took):.1f} s",
            f"{WANTED_S} s",
            float(took) < WANTED_S,
        )
    ]
