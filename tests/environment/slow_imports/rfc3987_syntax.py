"""A stand-in for the package of this name, which jsonschema imports if it is installed, as it is with JupyterLab.

The package compiles a grammar on import, which takes 5 s in every process that reads a notebook. Without it, jsonschema
does not check the formats "iri" and "iri-reference", which none of our notebooks has.
"""

raise ImportError("replaced by tests/conftest.py")
