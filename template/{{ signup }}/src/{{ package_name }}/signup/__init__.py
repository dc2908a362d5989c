"""Signing up: the account is saved, a welcome mail and a note to the admin follow the response."""
