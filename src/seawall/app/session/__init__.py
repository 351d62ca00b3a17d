"""Session Manager's data channel, by which clients of ExecuteCommand reach a container."""
