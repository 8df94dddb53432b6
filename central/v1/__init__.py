"""`/v1`: what programs ask the centre, and may have it do; its contract is an OpenAPI document."""
