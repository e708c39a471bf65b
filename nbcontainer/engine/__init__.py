"""Docker Engine and Podman."""
