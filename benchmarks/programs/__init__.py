"""What runs in a service's or the peers' environment, not in this repository's."""
