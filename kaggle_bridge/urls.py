"""The addresses of training; the site map includes them."""

from django.urls import path

from kaggle_bridge.views import deeds, runs, start

urlpatterns = [
    path("", runs.training_list, name="training-list"),
    path("new/", start.new, name="training-new"),
    path("<int:pk>/", runs.detail, name="training-detail"),
    path("<int:pk>/start/", deeds.start, name="training-start"),
    path("<int:pk>/cancel/", deeds.cancel, name="training-cancel"),
    path("<int:pk>/retry/", deeds.retry, name="training-retry"),
    path("<int:pk>/bring/", deeds.bring, name="training-bring"),
    path("<int:pk>/checkpoints/<int:step>/", deeds.checkpoint, name="training-checkpoint"),
]
