"""A deployment by CloudFormation: its settings, its artifacts, its change set, its end."""
