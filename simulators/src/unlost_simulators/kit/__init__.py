"""The common part of all simulators: server, clock, faults, log, admin API, orgs, command line."""
