"""The verbs of this service: load the catalogue, browse it."""
