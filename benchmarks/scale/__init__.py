"""Scale: how long a burst of deployments takes on a real control plane, and what it costs, beside a bare writer."""
