"""`/v1/galleries`: pictures and people that are kept, and found again."""
