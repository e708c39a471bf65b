"""What can be said: the declarations' grammar. Nothing here does I/O, knows IPython, or imports what a verb calls."""
