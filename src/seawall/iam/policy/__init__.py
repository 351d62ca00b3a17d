"""AWS's policy language and how it decides.  Pure: texts and a request in, a decision and its reason out."""
