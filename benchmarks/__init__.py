"""Our rendered services beside their peers, in one run: `make bench`."""
