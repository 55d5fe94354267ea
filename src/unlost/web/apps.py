"""Register the console with Django: its templates, tags, static files and translations."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """The Django app of the console; it has no tables."""

    name = "unlost.web"
    label = "web"
