"""What people know of the roads: closed streets, and queues as drivers saw them."""
