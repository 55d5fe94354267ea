"""The HTTP face of the simulator: one desk for all calls, and one handler module per resource."""
