"""Registers the catalog with Django."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """The one Django app of Unlost's own."""

    name = "unlost.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
