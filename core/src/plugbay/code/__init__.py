"""The user's code as a subject: finding it, importing it elsewhere, shipping it, telling when it changed."""
