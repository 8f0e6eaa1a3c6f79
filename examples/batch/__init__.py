"""A provider that runs programs as jobs of a real queue: procrastinate, on PostgreSQL."""
