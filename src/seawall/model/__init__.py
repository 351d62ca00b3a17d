"""What exists: the resource types of the API as frozen plain data.  Nothing here does anything."""
