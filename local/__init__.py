"""What stands outside the deployment: the one-command machine, and the gateway it plays against."""
