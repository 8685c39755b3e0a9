"""The site map: every address of the project."""

from django.contrib import admin
from django.urls import include, path

from league.api import health
from league.api.site import api
from league.views import (
    competitions,
    episodes,
    errors,
    help,
    home,
    leaderboards,
    logs,
    matches,
    status,
    submissions,
    teams,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("competitions/", competitions.competition_list, name="competition-list"),
    path("competitions/<slug:slug>/", competitions.detail, name="competition-detail"),
    path("competitions/<slug:slug>/leaderboard/", leaderboards.page, name="leaderboard"),
    path("competitions/<slug:slug>/leaderboard.csv", leaderboards.as_csv, name="leaderboard-csv"),
    path("competitions/<slug:slug>/matches/", matches.match_list, name="match-list"),
    path("competitions/<slug:slug>/submit/", submissions.submit_page, name="submit"),
    path("submissions/", submissions.mine, name="submission-list"),
    path("submissions/<int:pk>/", submissions.detail, name="submission-detail"),
    path("submissions/<int:pk>/logs/", logs.logs, name="submission-logs"),
    path("submissions/<int:pk>/retire/", submissions.retire_page, name="submission-retire"),
    path("team/", teams.mine, name="team"),
    path("team/invite/", teams.invite, name="team-invite"),
    path("team/revoke/", teams.revoke, name="team-revoke"),
    path("team/rename/", teams.rename, name="team-rename"),
    path("team/leave/", teams.leave, name="team-leave"),
    path("team/members/<int:pk>/remove/", teams.remove, name="team-remove"),
    path("team/members/<int:pk>/lead/", teams.make_leader, name="team-lead"),
    path("team/join/<slug:code>/", teams.join, name="team-join"),
    path("teams/<int:pk>/", teams.detail, name="team-detail"),
    path("matches/<int:pk>/", matches.detail, name="match-detail"),
    path("episodes/<int:pk>/", episodes.detail, name="episode-detail"),
    path("episodes/<int:pk>/embed/", episodes.embed, name="episode-embed"),
    path("environments/<slug:environment>/drawing/", episodes.drawing, name="environment-drawing"),
    path("training/", include("kaggle_bridge.urls")),
    path("status/", status.page, name="status"),
    path("status/control/", status.control, name="status-control"),
    path("help/", help.help_page, name="help"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", api.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler429 = errors.too_many
handler500 = errors.server_error
