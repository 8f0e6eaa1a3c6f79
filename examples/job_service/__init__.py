"""A fake job service for docs/your-own-provider.md: it pretends to render maps, and speaks HTTP."""
