"""Edge: the manners of HTTP, SQS and cron. It knows no room."""
