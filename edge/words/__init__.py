"""What an operator reads, in each language: words of the status page, sentences of problems and findings."""
