"""HTTP for clients that want no socket: events in, receipts back, and a look at one's own things."""
