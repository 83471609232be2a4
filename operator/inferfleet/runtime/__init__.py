"""What keeps the process going: work queue, workers, leader election, health, time.

Knows nothing about GPUs, money or Kubernetes kinds.
"""
