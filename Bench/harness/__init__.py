"""What run.py is made of: the capture, the measured pairs and the report."""
