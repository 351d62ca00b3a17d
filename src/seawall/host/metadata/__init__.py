"""What a task may ask about itself: its metadata, its statistics, the credentials of its role."""
