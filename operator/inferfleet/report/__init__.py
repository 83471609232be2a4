"""Report: status, Events and metrics; what people and monitors read of the operator."""
