"""Acts of the platform on single objects: what it fills in, makes along, or refuses."""
