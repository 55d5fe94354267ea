"""Registers the catalog with Django."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """The only Django app that is part of Unlost."""

    name = "unlost.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
