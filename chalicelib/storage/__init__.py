"""Storage: one commit per verb, on DynamoDB or PostgreSQL. Nothing else speaks to either."""
