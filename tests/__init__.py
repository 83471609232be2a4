"""Tests of Inferfleet, and the control plane they run against."""
