"""Application Auto Scaling, for the desired count of ECS services."""
