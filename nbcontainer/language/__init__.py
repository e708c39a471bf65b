"""Completion, help and lint of Dockerfile and YAML text: pure functions."""
