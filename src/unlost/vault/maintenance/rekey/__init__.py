"""Sealing an org anew under its newest key; see ``unlost.vault.maintenance.rekey.rekeyer``."""
