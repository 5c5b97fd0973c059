"""Slots on the work pool of a Prefect server: each flow run of its agents is one."""
