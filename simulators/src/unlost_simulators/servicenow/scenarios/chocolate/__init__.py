"""The chocolate maker's IT as an instance: its people, customers, computers, tickets, knowledge."""
