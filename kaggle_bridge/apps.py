"""The Django app; its home is a package beside `league`, so the key type is named here too."""

from django.apps import AppConfig


class KaggleBridgeConfig(AppConfig):
    name = "kaggle_bridge"
    verbose_name = "Training"
    default_auto_field = "django.db.models.BigAutoField"
