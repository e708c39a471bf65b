"""The anywidget classes: traits and messages, no I/O."""
