"""What a centre stores each second, what it costs on disk, and what happens when a collector dies."""
