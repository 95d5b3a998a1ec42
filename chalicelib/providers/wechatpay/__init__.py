"""WeChat Pay, API v3, as it is on the wire."""
