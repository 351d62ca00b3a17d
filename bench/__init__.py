"""How fast Seawall is, each figure beside a baseline that was measured in the same run.  See `make bench`."""
