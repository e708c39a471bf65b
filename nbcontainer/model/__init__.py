"""What is asked for, what happens, how it stands, what came of it: frozen dataclasses, standard library only."""
