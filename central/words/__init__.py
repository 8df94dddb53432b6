"""What the centre writes for people, in Chinese: on the pages of its console and in alerts."""
