"""The words of the magics: parse, call, show."""
