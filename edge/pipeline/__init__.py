"""From a read to its acknowledgement: ingest, decide, commit, publish, acknowledge."""
