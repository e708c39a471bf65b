"""Completion and help for Dockerfile text: pure functions."""
