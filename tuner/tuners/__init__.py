"""The tuners, and the study files that assemble them."""
