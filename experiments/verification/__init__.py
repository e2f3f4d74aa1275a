"""Published known answers and what this model finds: the page that a reviewer asks for first."""
