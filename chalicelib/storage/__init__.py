"""Storage: one commit per verb, on DynamoDB. Nothing else in the project speaks to it."""
