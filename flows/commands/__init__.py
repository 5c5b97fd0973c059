"""The commands of `trialflow`, a file each, and what they share."""
