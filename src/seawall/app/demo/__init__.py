"""The demonstration: a two-container task of a public blog post in a public and in a private subnet.

`story` tells it; it acts only through the public AWS API and through clients on the world's internet.
"""
