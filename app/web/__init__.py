"""The HTTP side: JSON, error responses, pagination, the introspection document, OpenAPI, and the /docs page."""
