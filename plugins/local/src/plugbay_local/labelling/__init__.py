"""Datasets that people label by writing lines: a directory for each, under names that cannot lead out of it."""
