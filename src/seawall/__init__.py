"""Seawall: self-hosted AWS Fargate with its task networking."""

__version__ = "0.1.0"
