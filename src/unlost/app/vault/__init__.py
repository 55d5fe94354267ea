"""The vault from the home's side: its mirror, its keys, and the copies of the home in it."""
