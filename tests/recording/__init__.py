"""What the functions ask of AWS, written down while the stories are told."""
