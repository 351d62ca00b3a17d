"""Makes the kernel's networks equal to a program: observe, compare, do the difference."""
