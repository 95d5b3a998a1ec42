"""The handlers outside Lambda: the API, the queues and the schedules, as processes of one's own."""
