"""The user's code as a subject: naming it, importing it again elsewhere, shipping it, telling when it changed."""
