"""What clients send and receive, for every language: JSON Schema, AsyncAPI and TypeScript from the structs."""
