"""The machine: GPUs, memory, and which slot gets what."""
