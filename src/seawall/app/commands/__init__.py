"""The commands of `seawall`, one module each."""
