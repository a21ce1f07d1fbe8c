"""Show one, find all: objects of the examples' kind in a scene."""
