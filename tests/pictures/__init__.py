"""Makes the pictures of the docs from the running program (script/pictures)."""
