"""Certificate Manager: certificates that were imported, for the listeners of load balancers."""
