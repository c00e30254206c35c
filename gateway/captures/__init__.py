"""What routes keep of answered calls: masked, bounded in bytes and days, written behind callers' backs."""
