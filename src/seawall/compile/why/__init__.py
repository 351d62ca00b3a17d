"""Why a task did not run: its way in phases, the first cause, and the smallest thing that mends it.  Pure."""
