"""Files that users give, of whatever format, read one way: text, tables, outlines and places."""
