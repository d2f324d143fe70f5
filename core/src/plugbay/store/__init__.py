"""The store is the database: artifacts, documents of runs, the cache, the index over them, and garbage collection."""
