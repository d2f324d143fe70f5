"""Container images as the OCI image layout has them: ``archive`` reads and writes one as a file, ``layout`` keeps many."""
