"""Resealing of an org under its newest key; see ``unlost.vault.maintenance.rekey.rekeyer``."""
