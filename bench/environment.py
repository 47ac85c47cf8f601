"""What the functions find in Lambda, with nothing behind it."""

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "STACK_NAME": "bench",
    "QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bench-webhooks.fifo",
    "DEAD_LETTER_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bench-dead-letters.fifo",
    "WAITING_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bench-waiting",
    "LEFT_BEHIND_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/bench-left-behind",
    "BODIES_BUCKET": "bench-bodies",
    "TABLE_NAME": "bench-ledger",
    "BATCH_API_URL": "https://api.batch.com/2.11",
    "API_URL": "https://hooks.example.com",
    "DELIVER_CONCURRENCY": "5",
    "SENDERS": "bench-shopify=shopify",
    "PROVIDER_URL": "",
    "POWERTOOLS_SERVICE_NAME": "batch-bridge",
}
