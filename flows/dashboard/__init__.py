"""The live pages of searches, served on loopback; they only read, from any store."""
