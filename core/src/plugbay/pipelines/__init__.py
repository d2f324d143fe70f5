"""What a user writes: steps and pipelines, their options, the handles that wire them, and the types they declare."""
