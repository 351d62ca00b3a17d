"""What an engine writes about each request."""

LOG_FORMAT = "%ST %ts %TR %Tw %Tc %Tr %Ta %ci:%cp %f %b %s"
