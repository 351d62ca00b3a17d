"""Load-balancing nodes: an engine in each node's namespace, and the checks of its targets."""
