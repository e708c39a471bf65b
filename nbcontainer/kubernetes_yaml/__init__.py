"""YAML as Kubernetes reads it: the one place that decides what a text means."""
