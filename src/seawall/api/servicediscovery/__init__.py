"""AWS Cloud Map: names for what moves about, found by DNS or by API."""
