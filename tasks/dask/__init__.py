"""Slots on a Dask cluster."""
