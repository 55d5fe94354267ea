"""The vault as this home reaches it: its mirror, its keys, and the copies of the home in it."""
