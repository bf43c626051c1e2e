"""The field kit: audits of apps that only people can ask."""
