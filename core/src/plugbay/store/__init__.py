"""What lies in the artifact store, and how it is written: keys, documents, artifacts, and who drives a run."""
