"""One trial's training: its executions, epoch by epoch, saved and gone on with."""
