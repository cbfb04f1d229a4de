"""What to offer next: sketches of users, sessions, baskets."""
