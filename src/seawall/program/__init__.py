"""What a host shall look like, and what it reports back: frozen plain data, no AWS words, no effects."""
