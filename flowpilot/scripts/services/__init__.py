"""What changes the library. Each write is one transaction."""
