"""The HTTP face of the simulator: a dispatcher of all calls, and a handler module per resource."""
