"""What the tasks do differently in a training: targets, loss, figures, and what is served in the end."""
