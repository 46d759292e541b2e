"""The profile of the account, from Login with Amazon."""
